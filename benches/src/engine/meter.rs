//! What is measured, and by whom.

/// What the core is called for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// `submit`.
    Submit,
    /// `poll_intent`, the last one of a turn, which gives nothing, included.
    Poll,
    /// `handle_head`.
    Head,
    /// `handle_progress`, two for each part.
    Progress,
    /// `handle_done`, and `poll_event` until there is none.
    Done,
    /// Answers to intents that are no requests.
    Local,
    /// `poll_timeout`, and `handle_timeout` with requests that are overdue.
    Timer,
    /// `pause`.
    Pause,
    /// `resume`.
    Resume,
    /// `snapshot`.
    Snapshot,
}

impl Call {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Submit,
        Self::Poll,
        Self::Head,
        Self::Progress,
        Self::Done,
        Self::Local,
        Self::Timer,
        Self::Pause,
        Self::Resume,
        Self::Snapshot,
    ];

    /// In tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Poll => "poll",
            Self::Head => "head",
            Self::Progress => "progress",
            Self::Done => "done",
            Self::Local => "local",
            Self::Timer => "timer",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Who measures.
pub trait Meter {
    /// Does `work`, which is so many times this call, and nothing else.
    fn of<T>(&mut self, call: Call, work: impl FnOnce() -> T) -> T;
}
