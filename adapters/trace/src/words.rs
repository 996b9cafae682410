//! The core's plain enums as words.

use longhaul_core::error::{Blame, Deadline, FaultKind, FileFaultKind, ServerFaultKind};
use longhaul_core::plan::PlainHttp;
use longhaul_core::provider::{Begin, Order, StepKind};
use longhaul_core::spec::{Durability, OnChange, Probing, Start};
use longhaul_core::{Direction, Phase};

use crate::form::Kept;

/// Both ways between a value and its word. A value the core got since has the word `other`, and cannot be read back.
macro_rules! words {
    ($($type:ty { $($value:pat => $made:expr, $word:literal;)* })*) => {$(
        impl Kept for $type {
            type Form = String;
            #[allow(unreachable_patterns, reason = "only some of them may grow")]
            fn keep(&self) -> String {
                String::from(match self { $($value => $word,)* _ => "other" })
            }
            fn give(form: &String) -> Option<Self> {
                Some(match form.as_str() { $($word => $made,)* _ => return None })
            }
        }
    )*};
}

macro_rules! plain_words {
    ($($type:ident { $($value:ident $word:literal,)* })*) => {
        words! { $($type { $($type::$value => $type::$value, $word;)* })* }
    };
}

plain_words! {
    Direction { Download "download", Upload "upload", }
    Start { Now "now", Paused "paused", }
    Probing { Head "head", FirstRange "first_range", }
    OnChange { Restart "restart", Fail "fail", }
    Durability { Power "power", Process "process", }
    Order { Parallel "parallel", ServerOffset "server_offset", }
    Begin { None "none", Idempotent "idempotent", Creates "creates", }
    PlainHttp { Never "never", Loopback "loopback", Anywhere "anywhere", }
    Blame { You "you", Issuer "issuer", Server "server", Network "network", Disk "disk", Nobody "nobody", }
    StepKind {
        Probe "probe", Begin "begin", PutWhole "put_whole", PutPart "put_part", GetRange "get_range", ListParts "list_parts",
        Commit "commit", Confirm "confirm", Abort "abort",
    }
    ServerFaultKind {
        NotFound "not_found", Denied "denied", Refused "refused", Throttled "throttled", Unavailable "unavailable",
        Redirected "redirected", Protocol "protocol", Conflict "conflict",
    }
    FileFaultKind {
        NotFound "not_found", Denied "denied", ReadOnly "read_only", Full "full", Busy "busy", Exists "exists",
        Changed "changed", Lost "lost", Unusable "unusable", Cancelled "cancelled", Io "io",
    }
    Phase {
        Queued "queued", Probing "probing", Reserving "reserving", Inspecting "inspecting", Hashing "hashing",
        Opening "opening", Rechecking "rechecking", Reconciling "reconciling", Moving "moving", Checking "checking",
        Committing "committing", Confirming "confirming", Verifying "verifying", Publishing "publishing", Ending "ending",
        Aborting "aborting", Cleaning "cleaning", Ended "ended",
    }
}

words! {
    FaultKind {
        Self::Resolve => Self::Resolve, "resolve";
        Self::Connect => Self::Connect, "connect";
        Self::Tls => Self::Tls, "tls";
        Self::Proxy => Self::Proxy, "proxy";
        Self::Stale => Self::Stale, "stale";
        Self::Reset => Self::Reset, "reset";
        Self::Truncated => Self::Truncated, "truncated";
        Self::Protocol => Self::Protocol, "protocol";
        Self::Timeout(Deadline::Connect) => Self::Timeout(Deadline::Connect), "timeout_connect";
        Self::Timeout(Deadline::FirstByte) => Self::Timeout(Deadline::FirstByte), "timeout_first_byte";
        Self::Timeout(Deadline::Idle) => Self::Timeout(Deadline::Idle), "timeout_idle";
        Self::Timeout(Deadline::MinimumRate) => Self::Timeout(Deadline::MinimumRate), "timeout_minimum_rate";
        Self::Timeout(Deadline::Total) => Self::Timeout(Deadline::Total), "timeout_total";
        Self::Other => Self::Other, "unknown";
    }
}
