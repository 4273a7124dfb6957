//! Reads the files in `vectors/`.

use ha_core::reject::Reject;
use std::path::Path;
use svrrp::Message;

/// One vector.
#[derive(Debug, Default)]
pub struct Vector {
    pub name: String,
    /// `taken`, or why it is refused.
    pub result: String,
    /// The vector whose bytes come out when it is written again: itself, if it names no other.
    pub emits: String,
    pub bytes: Vec<u8>,
}

impl Vector {
    pub fn is_taken(&self) -> bool {
        self.result == "taken"
    }
}

/// All vectors, in the order of the names of their files.
pub fn all() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let files = folder.read_dir().expect("the folder of the vectors");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "txt"));
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        read(&std::fs::read_to_string(file).unwrap(), &mut vectors);
    }
    vectors
}

/// The bytes of one vector.
pub fn bytes(name: &str) -> Vec<u8> {
    let found = all().into_iter().find(|vector| vector.name == name);
    found.unwrap_or_else(|| panic!("no vector {name}")).bytes
}

fn read(text: &str, vectors: &mut Vec<Vector>) {
    for line in text.lines() {
        let line = line.split('#').next().unwrap().trim();
        if let Some(name) = line.strip_prefix("vector: ") {
            let name = name.to_owned();
            vectors.push(Vector { emits: name.clone(), name, ..Vector::default() });
            continue;
        }
        let Some(vector) = vectors.last_mut() else { continue };
        if let Some(result) = line.strip_prefix("result: ") {
            result.clone_into(&mut vector.result);
        } else if let Some(emits) = line.strip_prefix("emits: ") {
            emits.clone_into(&mut vector.emits);
        } else {
            let digits: String = line.split_whitespace().collect();
            assert!(digits.len().is_multiple_of(2), "{}: {line}", vector.name);
            vector.bytes.extend((0..digits.len()).step_by(2).map(|at| {
                u8::from_str_radix(&digits[at..at + 2], 16)
                    .unwrap_or_else(|_| panic!("{}: {line}", vector.name))
            }));
        }
    }
}

/// What came of it, in the words of the vectors.
pub fn told(result: &Result<Message, Reject>) -> String {
    let Err(reject) = result else { return "taken".to_owned() };
    let kind = reject.kind().name();
    match reject {
        Reject::Truncated { at } => format!("{kind} {at}"),
        Reject::Overlong { extra } => format!("{kind} {extra}"),
        Reject::TooLong { len } => format!("{kind} {len}"),
        Reject::Version { version } => format!("{kind} {version}"),
        Reject::Malformed { field } => format!("{kind} {field}"),
        _ => kind.to_owned(),
    }
}
