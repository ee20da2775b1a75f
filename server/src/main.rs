//! `server`: reads the configuration, starts the logs, prints the address, serves until it is told to stop.

use std::process::ExitCode;

use clap::Parser as _;
use server::{Config, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // Logs may not have started, and the reader is a person at a terminal.
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(options)?;
    server::start_logs(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = server::bind(&config).await?;
        let address = listener.local_addr()?;
        println!("Alcove is at http://{address}");
        server::serve(listener, server::app(&config), &config, stop_signal()).await?;
        Ok(())
    })
}

/// Resolves at Ctrl-C or when the system asks the process to end.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
