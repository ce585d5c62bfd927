//! A server that gives every request the same answer.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Starts a server for the life of the process; returns its address.
pub(crate) fn serve(
    status: &'static str,
    content_type: &'static str,
    body: &'static str,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a port");
    let address = listener.local_addr().expect("the address of a bound port");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who asks may have gone by then.
            let _gone = answer(stream, status, content_type, body);
        }
    });
    format!("http://{address}")
}

fn answer(
    mut stream: TcpStream,
    status: &str,
    content_type: &str,
    body: &str,
) -> std::io::Result<()> {
    read_request(&mut stream)?;
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Reads a request with its body: to answer earlier would reset the connection.
fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut text = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        text.extend_from_slice(&bytes[..count]);
        let request = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Ok(());
        }
    }
}
