//! Gives up what an earlier run left of a transfer: its session at the store, its temporary file, its journal, its record.
//!
//! Nothing of its content is moved, and no object that is there is touched.

use futures::StreamExt;
use longhaul::{Error, Event, EventKind};

use crate::exit::{Code, Failure};
use crate::request::{self, Clients, Ready, Request, Wallet};
use crate::state::State;

/// Gives it up. Where the store keeps something all the same, so does the record, to be tried again.
pub(crate) async fn give_up(
    state: &State,
    request: &Request,
    wallet: &Wallet,
    clients: &mut Clients,
    mut told: impl FnMut(&Event),
) -> Result<(), Failure> {
    let (entry, _) = state.enter(request)?;
    let Ready { job, .. } = request::make(request, wallet, state.journals()).await?;
    // Paused: it reads its journal, and begins nothing.
    let mut transfer = clients.of(request)?.submit(job.paused()).await?;
    transfer.cancel().await.map_err(|_| Failure::new(Code::Failed, "it ended before it could be given up"))?;
    let mut kept = None;
    while let Some(event) = transfer.next().await {
        if let EventKind::AbortFailed { reason, .. } = &event.kind {
            kept = Some(reason.clone());
        }
        told(&event);
    }
    match (kept, transfer.outcome()) {
        (Some(reason), _) => return Err(reason.into()),
        (None, Some(Err(Error::Cancelled))) => {}
        (None, Some(Err(error))) => return Err(error.into()),
        // Its commit had been sent before: the object is whole.
        (None, Some(Ok(_)) | None) => {
            if let Some(mut entry) = entry {
                entry.forget();
            }
            return Err(Failure::new(Code::Failed, "too late to give it up: the object was made already"));
        }
    }
    if let Some(mut entry) = entry {
        entry.forget();
    }
    Ok(())
}
