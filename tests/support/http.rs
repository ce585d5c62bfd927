//! Plain requests to the local servers of the tests.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Returns the body of a successful `GET http://127.0.0.1:PORT/PATH`.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    match send(&format!("127.0.0.1:{port}"), &format!("GET {path}"), &[], "")? {
        (200, body) => Ok(body),
        (status, body) => Err(Error::other(format!("GET {path}: {status}: {body}"))),
    }
}

/// Posts to a server's own address `http://127.0.0.1:PORT/PATH`; anything but
/// success is an error.
pub(crate) fn post_own(port: u16, path: &str, body: &str) -> Result<String> {
    match send(&format!("127.0.0.1:{port}"), &format!("POST {path}"), &[], body)? {
        (200, body) => Ok(body),
        (status, body) => Err(Error::other(format!("POST {path}: {status}: {body}"))),
    }
}

/// Posts JSON to an address that begins with `http://`, and returns the status
/// and the body of the answer.
pub(crate) fn post(address: &str, headers: &[(&str, &str)], body: &str) -> Result<(u16, String)> {
    request("POST", address, headers, body)
}

/// Sends a request with JSON, or without a body, and returns the status and the
/// body of the answer.
pub(crate) fn request(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(u16, String)> {
    let rest = address.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    let (host, path) = rest.ok_or_else(|| Error::other(format!("no local address: {address}")))?;
    let headers = [headers, &[("Content-Type", "application/json")]].concat();
    send(host, &format!("{method} /{path}"), &headers, body)
}

fn send(host: &str, what: &str, headers: &[(&str, &str)], body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    // HTTP/1.0: the server closes the connection after the body, unchunked.
    write!(
        stream,
        "{what} HTTP/1.0\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let no_answer = || Error::other(format!("no HTTP answer: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(no_answer)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(no_answer)?, body.to_owned()))
}
