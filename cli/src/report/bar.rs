//! Progress bars on a terminal.

use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longhaul::{Event, Phase, Progress, State};

use super::{Label, Report, Summary, text, words};
use crate::shown;

/// Longest name shown, in characters.
const NAME: usize = 28;
/// What is left of it at least, before numbers are left out.
const LEAST_NAME: usize = 8;
/// Columns that a bar takes with its numbers.
const BAR: usize = 52;

pub(super) struct Bars {
    all: MultiProgress,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    bar: ProgressBar,
    /// Whether it is drawn as one: the size is known, and there is room.
    drawn: bool,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), bars: Vec::new() }
    }

    fn say(&self, index: Option<usize>, words: &str) {
        let name = index.and_then(|index| self.bars.get(index)).map_or("longhaul", |bar| &bar.name);
        // Fails only when there is no terminal any more.
        let _ = self.all.println(format!("{}: {}", shown::text(name), shown::text(words)));
    }
}

impl Report for Bars {
    fn start(&mut self, index: usize, label: &Label) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style(LINE));
        bar.set_prefix(short(&shown::text(&label.name), NAME));
        bar.enable_steady_tick(Duration::from_millis(250));
        debug_assert_eq!(self.bars.len(), index);
        self.bars.push(Bar { name: label.name.clone(), bar, drawn: false });
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
        let Some(Bar { bar, drawn, .. }) = self.bars.get_mut(index) else { return };
        let (columns, name) = (usize::from(Term::stderr().size().1), bar.prefix());
        let room = columns >= name.chars().count() + BAR;
        if let Some(total) = progress.total
            && (bar.length() != Some(total) || *drawn != room)
        {
            *drawn = room;
            bar.set_style(style(if room { DRAWN } else { LINE }));
            // Drawn with the message below, and not before: the one that is there now was made for the other style.
            bar.update(|state| state.set_len(total));
        }
        bar.set_position(progress.acknowledged);
        let (rate, rest) = standing(progress, state);
        bar.set_message(if *drawn {
            join(&[&rate, &rest])
        } else {
            line(columns.saturating_sub(SPINNER), &name, progress, &rate, &rest)
        });
    }

    fn end(&mut self, index: usize, summary: &Summary) {
        if let Some(Bar { bar, .. }) = self.bars.get(index) {
            bar.finish_and_clear();
        }
        self.say(Some(index), &summary.line());
    }

    fn close(&mut self) {
        let _ = self.all.clear();
    }
}

const DRAWN: &str = "{prefix} {wide_bar} {percent:>3}% {binary_bytes}/{binary_total_bytes} {msg}";
/// What is too long all the same is cut at the edge.
const LINE: &str = "{spinner} {wide_msg}";
/// Columns before a line's message.
const SPINNER: usize = 2;

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a wrong one would show in any use.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// The rate, and how long it will take or else what it is at.
fn standing(progress: &Progress, state: State) -> (String, String) {
    let at = match (state, progress.eta()) {
        (State::Active(Phase::Moving), Some(eta)) => return (text::rate(progress.rate), text::time(eta)),
        (State::Active(phase), _) => phase.to_string(),
        (State::Waiting(_), _) => "waiting to retry".to_owned(),
        (State::Queued, _) => "queued".to_owned(),
        (State::Ending, _) => "stopping".to_owned(),
        _ => String::new(),
    };
    (String::new(), at)
}

/// A line where there is no bar: the name, and of the numbers as many as there is room for beside it.
fn line(columns: usize, name: &str, progress: &Progress, rate: &str, rest: &str) -> String {
    let there = text::bytes(progress.acknowledged);
    let (share, bytes) = match progress.total {
        Some(total) => {
            let percent = u128::from(progress.acknowledged) * 100 / u128::from(total.max(1));
            (format!("{percent}%"), format!("{there}/{}", text::bytes(total)))
        }
        None => (String::new(), there),
    };
    let numbers = [join(&[&share, &bytes, rate, rest]), join(&[&share, rate, rest]), join(&[&share, rest])];
    let least = name.chars().count().min(LEAST_NAME);
    let fits = |numbers: &&String| least + 1 + numbers.chars().count() <= columns;
    let numbers = numbers.iter().find(fits).unwrap_or(&share);
    join(&[&short(name, columns.saturating_sub(numbers.chars().count() + 1)), numbers])
}

/// What is not empty, with blanks between.
fn join(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        name.to_owned()
    } else {
        name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// A terminal of 80 columns that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn write(&self, text: &str) -> io::Result<()> {
            self.0.lock().map(|mut all| all.push_str(text)).map_err(|error| io::Error::other(error.to_string()))
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write(text).and_then(|()| self.write("\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write("\n")
        }

        fn flush(&self) -> io::Result<()> {
            self.write("\n")
        }
    }

    #[test]
    fn no_frame_has_the_name_twice() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let mut bars = Bars { all: MultiProgress::with_draw_target(target), bars: Vec::new() };
        let name = || "a.bin".to_owned();
        bars.start(0, &Label { id: name(), kind: "get", url: name(), path: name(), name: name() });
        let mut progress = Progress::default();
        bars.progress(0, &progress, State::Active(Phase::Probing));
        progress.total = Some(1000);
        bars.progress(0, &progress, State::Active(Phase::Moving));
        bars.close();
        let all = screen.0.lock().expect("whole").clone();
        assert!(all.contains("a.bin 0 B probing") && all.contains("1000 B"), "{all}");
        assert!(all.lines().all(|line| line.matches("a.bin").count() < 2), "{all}");
    }

    #[test]
    fn a_line_has_what_there_is_room_for() {
        let name = "a-rather-long-name-of-some-…";
        let mut progress = Progress::default();
        (progress.acknowledged, progress.total) = (4 << 20, Some(19 << 20));
        for (columns, said) in [
            (78, "a-rather-long-name-of-some-… 21% 4.0 MiB/19.0 MiB 1.2 MiB/s 11s"),
            (58, "a-rather-long-name-of-… 21% 4.0 MiB/19.0 MiB 1.2 MiB/s 11s"),
            (38, "a-rather-long-name-… 21% 1.2 MiB/s 11s"),
            (18, "a-rather-… 21% 11s"),
            (12, "a-rathe… 21%"),
            (5, "… 21%"),
        ] {
            let told = line(columns, name, &progress, "1.2 MiB/s", "11s");
            assert_eq!(told, said);
            assert!(told.chars().count() <= columns);
        }
        assert_eq!(line(18, "a.bin", &progress, "1.2 MiB/s", "11s"), "a.bin 21% 11s");
        progress.total = None;
        assert_eq!(line(38, "a.bin", &progress, "", "probing"), "a.bin 4.0 MiB probing");
        assert_eq!(line(14, "a.bin", &progress, "", "probing"), "a.bin probing");
    }
}
