//! A web server that knows one page. It listens on loopback only, and whatever it is asked, it holds
//! nothing else up.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;

const PAGE: &str = "/metrics";
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The longest request in bytes, and the most headers.
const MAX_REQUEST: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// How long a question and its answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many are answered at a time. Others wait.
const AT_ONCE: usize = 4;
/// The system lacks something for the moment: there is no hurry.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for as long as it is polled. `page` makes the page; `None` if there is none at present.
pub async fn serve<F: Future<Output = Option<String>> + Send + 'static>(
    listener: TcpListener,
    page: impl Fn() -> F,
) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let page = page();
        tokio::spawn(async move {
            if let Ok(Err(error)) = timeout(PATIENCE, answer(stream, page)).await {
                debug!(%error, "metrics could not be told");
            }
            drop(place);
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    page: impl Future<Output = Option<String>>,
) -> io::Result<()> {
    let mut request = Vec::new();
    let status = loop {
        if let Some(status) = judge(&request) {
            break status;
        }
        let room = (MAX_REQUEST - request.len()) as u64;
        if (&mut stream).take(room).read_buf(&mut request).await? == 0 {
            break if room == 0 { Status::TooLarge } else { Status::Malformed };
        }
    };
    let (status, body) = match status {
        Status::Page => page.await.map_or((Status::Unavailable, None), |text| (status, Some(text))),
        status => (status, None),
    };
    let line = status.line();
    let body = body.unwrap_or_else(|| format!("{line}\n"));
    let kind = if status == Status::Page { TYPE } else { "text/plain; charset=utf-8" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {line}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Page,
    Malformed,
    NotFound,
    Method,
    TooLarge,
    Unavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Page => "200 OK",
            Self::Malformed => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// What the answer to a request is; `None` if it is not there as a whole.
fn judge(request: &[u8]) -> Option<Status> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(request) {
        Ok(httparse::Status::Partial) => None,
        Ok(httparse::Status::Complete(_)) => Some(match (parsed.method, parsed.path) {
            (Some("GET"), Some(path)) if path.split('?').next() == Some(PAGE) => Status::Page,
            (Some("GET"), _) => Status::NotFound,
            _ => Status::Method,
        }),
        Err(httparse::Error::TooManyHeaders) => Some(Status::TooLarge),
        Err(_) => Some(Status::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// The answer to what is sent in these pieces; the sender then sends no more.
    fn ask(pieces: &[&[u8]], page: Option<&str>) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let page = page.map(str::to_owned);
            let server = tokio::spawn(async move {
                serve(listener, || std::future::ready(page.clone())).await;
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            for piece in pieces {
                let _ = stream.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            server.abort();
            String::from_utf8(answer).unwrap()
        })
    }

    /// COS-5: one page is there, and everything else is refused by its proper name.
    #[test]
    fn one_page_is_there() {
        let page = Some("x 1\n");
        let answer = ask(&[b"GET /metrics HT", b"TP/1.1\r\nHost: x\r\n", b"\r\n"], page);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\nContent-Length: 4\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nx 1\n"), "{answer}");
        let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
        for (request, status) in [
            (b"GET / HTTP/1.1\r\n\r\n".as_slice(), "404"),
            (b"GET /metrics2 HTTP/1.1\r\n\r\n", "404"),
            (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "405"),
            (b"GET /metrics", "400"),
            (b"", "400"),
            (b"\x16\x03\x01\x02\x00\x01", "400"),
            (b"GET /metrics HTTP/9\r\n\r\n", "400"),
            (many.as_bytes(), "431"),
        ] {
            let answer = ask(&[request], page);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        }
        assert!(ask(&[b"GET /metrics HTTP/1.1\r\n\r\n"], None).starts_with("HTTP/1.1 503 "));
    }

    /// COS-5: a request that does not end is not read to its end.
    #[test]
    fn a_request_is_bounded() {
        let long = [b"GET /metrics HTTP/1.1\r\na: ".as_slice(), &[b'x'; MAX_REQUEST]].concat();
        let just = &long[..MAX_REQUEST];
        assert!(ask(&[just], Some("")).starts_with("HTTP/1.1 431 "));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_requests_are_judged(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = judge(&bytes);
        }
    }
}
