//! A server for tests: real sockets, one scripted act a connection, every request kept. Connections past the script are
//! closed, and counted all the same.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::endpoint::{Endpoint, Provider};
use haco_core::address::BaseUrl;

pub(crate) enum Act {
    /// Send these bytes and close.
    Send(Vec<u8>),
    /// Send these bytes and keep the connection open until the client closes it.
    Hold(Vec<u8>),
}

pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(acts: Vec<Act>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound listener"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut acts = acts.into_iter();
            for stream in listener.incoming().flatten() {
                let (act, kept) = (acts.next(), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, act, &kept));
            }
        });
        Server { address, requests }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// An endpoint at this server that does not pause between tries.
    pub(crate) fn endpoint(&self, provider: Provider) -> Endpoint {
        let mut endpoint = Endpoint::new(provider, BaseUrl::parse(&self.address).expect("an address"), "tiny");
        endpoint.time.pause_unit = Duration::ZERO;
        endpoint
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test panics while it holds this").clone()
    }
}

/// A response with a length and these extra header lines.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes())
}

fn serve(mut stream: TcpStream, act: Option<Act>, kept: &Mutex<Vec<String>>) {
    let request = read_request(&stream);
    kept.lock().expect("no test panics while it holds this").push(request);
    match act {
        // A client that stops listening in the middle is what some tests are about.
        Some(Act::Send(bytes)) => drop(stream.write_all(&bytes)),
        Some(Act::Hold(bytes)) => {
            drop(stream.write_all(&bytes));
            drop(stream.read_to_end(&mut Vec::new()));
        }
        None => {}
    }
}

fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap_or(0);
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        request.push_str(&line);
        if read == 0 || line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    drop(reader.read_exact(&mut body));
    request + &String::from_utf8_lossy(&body)
}
