//! Both ends of valgrind's callgrind: what a program tells it, and what it writes.
//!
//! <https://valgrind.org/docs/manual/cl-manual.html>, <https://valgrind.org/docs/manual/cl-format.html>. Only what the program's own
//! code executes is counted: how many instructions the C library needs to move bytes or to find memory depends on the machine.

use std::ffi::CStr;
use std::path::Path;

use longhaul_benches::allocator;
use longhaul_benches::engine::{Call, Meter};

/// `VG_USERREQ_TOOL_BASE('C', 'T')` and what callgrind.h adds to it.
const BASE: u64 = ((b'C' as u64) << 24) | ((b'T' as u64) << 16);
const TOGGLE_COLLECT: u64 = BASE + 2;
const DUMP_STATS_AT: u64 = BASE + 3;
const START_INSTRUMENTATION: u64 = BASE + 4;

/// The meter of a program that runs under callgrind: a dump for each piece of work, named after its call.
#[derive(Debug)]
pub(crate) struct Dumps {
    /// Pieces of work of [`Call::Submit`] that are not counted, because the last one is enough.
    pub(crate) skip: usize,
    /// By call.
    pub(crate) allocations: [u64; Call::ALL.len()],
}

impl Meter for Dumps {
    fn of<T>(&mut self, call: Call, work: impl FnOnce() -> T) -> T {
        if call == Call::Submit && self.skip > 0 {
            self.skip -= 1;
            return work();
        }
        ask(START_INSTRUMENTATION, 0);
        let before = allocator::calls();
        ask(TOGGLE_COLLECT, 0);
        let result = work();
        ask(TOGGLE_COLLECT, 0);
        if let Some(sum) = self.allocations.get_mut(call as usize) {
            *sum += allocator::calls() - before;
        }
        let name = format!("{}\0", call.name());
        if let Ok(name) = CStr::from_bytes_with_nul(name.as_bytes()) {
            ask(DUMP_STATS_AT, name.as_ptr() as u64);
        }
        result
    }
}

/// A client request; without valgrind it does nothing.
#[cfg(target_arch = "x86_64")]
fn ask(request: u64, argument: u64) {
    let words = [request, argument, 0, 0, 0, 0];
    // SAFETY: the four rotations turn a register once around, and a register is exchanged with itself; valgrind knows the sequence
    // (valgrind.h), reads `words`, and puts its answer into rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") 0_u64 => _,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn ask(_: u64, _: u64) {}

/// What a dump is about, and how many instructions it has of `program` itself.
pub(crate) fn read(dump: &str, program: &Path) -> Option<(Call, u64)> {
    let name = dump.lines().find_map(|line| line.strip_prefix("desc: Trigger: Client Request: "))?;
    let call = Call::ALL.into_iter().find(|call| call.name() == name)?;
    let program = program.to_str()?;
    let (mut own, mut ours, mut called, mut sum) = (None, false, false, 0);
    for line in dump.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            // `(3) /path` the first time, `(3)` from then on.
            let (id, path) = object.split_once(' ').unwrap_or((object, ""));
            if path == program {
                own = Some(id);
            }
            ours = own == Some(id);
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            // The line behind `calls=` has what was spent there.
            if ours && !called {
                sum += line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok())?;
            }
            called = false;
        }
    }
    Some((call, sum))
}
