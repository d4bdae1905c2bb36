//! A byte pump on tokio with nothing else in it: accept, connect, copy both ways. It
//! shows how much of optgate's cost is the price of a hop on this runtime.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};

/// Pumps until it is ended.
pub(super) fn run(listen: SocketAddr, target: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (mut client, _) = listener.accept().await?;
            tokio::spawn(async move {
                let _ = client.set_nodelay(true);
                if let Ok(mut server) = TcpStream::connect(target).await {
                    let _ = server.set_nodelay(true);
                    // Either side going away ends the pair, which is all there is to do.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    })
}
