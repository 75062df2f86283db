//! A wire to a database that can be cut, so that both ends hear nothing more of each other and nobody is told, and mended.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

/// A wire. What is underway on it while it is cut arrives when it is mended.
pub struct Wire {
    /// The URL of the database at the other end, through this wire.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cut: Mutex<bool>,
    mended: Condvar,
}

impl Wire {
    /// A wire to the database with this URL.
    ///
    /// # Panics
    /// When the URL names no host and port.
    pub fn to(url: &str) -> Wire {
        let (user, place) = url.split_once('@').unwrap();
        let (server, database) = place.split_once('/').unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::<Shared>::default();
        let wire = Wire {
            url: format!("{user}@{}/{database}", listener.local_addr().unwrap()),
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || carry(&shared, from, to));
                }
            }
        });
        wire
    }

    /// From here on nothing arrives.
    pub fn cut(&self) {
        *self.shared.cut.lock().unwrap() = true;
    }

    /// Everything arrives again.
    pub fn mend(&self) {
        *self.shared.cut.lock().unwrap() = false;
        self.shared.mended.notify_all();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.mend();
    }
}

/// Carries bytes one way until one end closes.
fn carry(shared: &Shared, mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let cut = shared.cut.lock().unwrap();
        drop(shared.mended.wait_while(cut, |cut| *cut).unwrap());
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    // The end that is still there is told, once the wire is mended.
    let cut = shared.cut.lock().unwrap();
    drop(shared.mended.wait_while(cut, |cut| *cut).unwrap());
    let _ = to.shutdown(std::net::Shutdown::Both);
}
