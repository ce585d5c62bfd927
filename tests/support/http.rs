//! Plain requests to the local servers of the tests.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Returns the body of a successful `GET http://127.0.0.1:PORT/PATH`.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    request(port, "GET", path, "")
}

/// Returns the body of a successful `POST http://127.0.0.1:PORT/PATH`.
pub(crate) fn post(port: u16, path: &str, body: &str) -> Result<String> {
    request(port, "POST", path, body)
}

fn request(port: u16, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    // HTTP/1.0: the server closes the connection after the body, unchunked.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Error::other(format!("no HTTP answer: {answer:?}")))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(Error::other(format!("{method} {path}: {status}: {body}")))
    }
}
