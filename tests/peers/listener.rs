//! What every fake server is below its protocol: a port of its own, a thread a client, and an end when it is dropped.

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Serves until it is dropped; then its port is free.
pub struct Listener {
    host: String,
    over: Arc<AtomicBool>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Listener {
    /// At `127.0.0.1:PORT`; port 0 is any that is free. Where a client goes away in the middle, `serve` gives none.
    pub fn at(host: &str, serve: impl Fn(&TcpStream) -> Option<()> + Send + Sync + 'static) -> Listener {
        let listener = TcpListener::bind(host).expect("the port is free");
        let host = listener.local_addr().expect("it has an address").to_string();
        let over = Arc::new(AtomicBool::new(false));
        let (ended, serve) = (Arc::clone(&over), Arc::new(serve));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let serve = Arc::clone(&serve);
                // A client that goes away in the middle is a test's business, not the server's.
                thread::spawn(move || serve(&stream));
            }
        });
        Listener { host, over, accepting: Some(accepting) }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; it may be gone already. With it the port is free.
        let _ = TcpStream::connect(&self.host);
        let _ = self.accepting.take().map(thread::JoinHandle::join);
    }
}
