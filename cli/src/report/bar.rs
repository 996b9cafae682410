//! Progress bars on a terminal.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longhaul::{Event, Phase, Progress, State};

use super::{Label, Report, Summary, text, words};
use crate::shown;

/// Longest name shown before a bar, in characters.
const NAME: usize = 28;

pub(super) struct Bars {
    all: MultiProgress,
    bars: Vec<(String, ProgressBar)>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), bars: Vec::new() }
    }

    fn say(&self, index: Option<usize>, words: &str) {
        let name = index.and_then(|index| self.bars.get(index)).map_or("longhaul", |(name, _)| name);
        // Fails only when there is no terminal any more.
        let _ = self.all.println(format!("{}: {}", shown::text(name), shown::text(words)));
    }
}

impl Report for Bars {
    fn start(&mut self, index: usize, label: &Label) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style("{prefix} {spinner} {binary_bytes} {msg}"));
        bar.set_prefix(short(&shown::text(&label.name)));
        bar.enable_steady_tick(Duration::from_millis(250));
        debug_assert_eq!(self.bars.len(), index);
        self.bars.push((label.name.clone(), bar));
    }

    fn note(&mut self, index: Option<usize>, words: &str) {
        self.say(index, words);
    }

    fn event(&mut self, index: usize, event: &Event) {
        if let Some(words) = words(event) {
            self.say(Some(index), &words);
        }
    }

    fn progress(&mut self, index: usize, progress: &Progress, state: State) {
        let Some((_, bar)) = self.bars.get(index) else { return };
        if let Some(total) = progress.total
            && bar.length() != Some(total)
        {
            bar.set_style(style("{prefix} {wide_bar} {percent:>3}% {binary_bytes}/{binary_total_bytes} {msg}"));
            bar.set_length(total);
        }
        bar.set_position(progress.acknowledged);
        bar.set_message(match (state, progress.eta()) {
            (State::Active(Phase::Moving), Some(eta)) => {
                format!("{} {}", text::rate(progress.rate), text::time(eta))
            }
            (State::Active(phase), _) => phase.to_string(),
            (State::Waiting(_), _) => "waiting to retry".to_owned(),
            (State::Queued, _) => "queued".to_owned(),
            (State::Ending, _) => "stopping".to_owned(),
            _ => String::new(),
        });
    }

    fn end(&mut self, index: usize, summary: &Summary) {
        if let Some((_, bar)) = self.bars.get(index) {
            bar.finish_and_clear();
        }
        self.say(Some(index), &summary.line());
    }

    fn close(&mut self) {
        let _ = self.all.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a wrong one would show in any use.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME { name.to_owned() } else { name.chars().take(NAME - 1).chain(['…']).collect() }
}
