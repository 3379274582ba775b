//! An echo server on tokio for benchmarks/compare.py: `tokio_echo ADDRESS`.
//!
//! ADDRESS is tcp://HOST:PORT, unix://PATH or udp://HOST:PORT. The server prints
//! "listening on ADDRESS" and runs until SIGTERM or SIGINT, on tokio's current-thread runtime,
//! because the other servers have one loop too. All connections share one receive buffer, and the
//! server sends before it copies bytes.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, UdpSocket, UnixListener, UnixStream};
use tokio::signal::unix::{signal, SignalKind};

// The size of evnet's receive block.
const BUFFER_BYTES: usize = 256 * 1024;

// The default of 128 would delay the clients that connect in a burst.
const BACKLOG: u32 = 4096;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

trait Stream: AsyncWriteExt + Unpin {
    async fn readable(&self) -> io::Result<()>;
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
}

macro_rules! stream {
    ($type:ty) => {
        impl Stream for $type {
            async fn readable(&self) -> io::Result<()> {
                self.readable().await
            }
            fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.try_read(buffer)
            }
            fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                self.try_write(bytes)
            }
        }
    };
}

stream!(TcpStream);
stream!(UnixStream);

fn or_zero(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// Echoes the bytes that are there. Returns those that the kernel did not take, or None at the end.
fn echo_once<S: Stream>(stream: &S) -> io::Result<Option<Vec<u8>>> {
    BUFFER.with_borrow_mut(|buffer| {
        let got = match stream.try_read(buffer) {
            Ok(0) => return Ok(None),
            other => or_zero(other)?,
        };
        let sent = if got > 0 {
            or_zero(stream.try_write(&buffer[..got]))?
        } else {
            0
        };
        Ok(Some(buffer[sent..got].to_vec()))
    })
}

async fn echo<S: Stream>(mut stream: S) -> io::Result<()> {
    loop {
        stream.readable().await?;
        match echo_once(&stream)? {
            None => return Ok(()),
            Some(rest) if rest.is_empty() => {}
            Some(rest) => stream.write_all(&rest).await?,
        }
    }
}

async fn serve_tcp(address: &str) -> io::Result<()> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    println!("listening on tcp://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

async fn serve_unix(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    println!("listening on unix://{path}");
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

async fn serve_udp(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address).await?;
    println!("listening on udp://{}", socket.local_addr()?);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (got, peer) = socket.recv_from(&mut buffer).await?;
        // A refused datagram is lost, as in the other servers.
        let _ = socket.send_to(&buffer[..got], peer).await;
    }
}

async fn serve(text: &str) -> io::Result<()> {
    match text.split_once("://") {
        Some(("tcp", address)) => serve_tcp(address).await,
        Some(("unix", path)) => serve_unix(path).await,
        Some(("udp", address)) => serve_udp(address).await,
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "usage: tokio_echo tcp://HOST:PORT|unix://PATH|udp://HOST:PORT",
        )),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let text = std::env::args().nth(1).unwrap_or_default();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        result = serve(&text) => result,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}
