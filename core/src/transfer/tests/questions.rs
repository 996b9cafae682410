//! When the application is asked for a URL or a credential, and for how much.

use super::*;
use crate::layout::Layout;
use crate::transfer::parts::Allowance;

/// A transfer whose URL was refused, as its profile says with nothing else to do.
fn asking(direction: Direction, refresh: bool, refused: bool) -> Box<Transfer> {
    let mut transfer = transfer(direction, Profile { refresh, ..Profile::download() });
    transfer.phase = Phase::Moving;
    transfer.refresh.wanted = refused.then(|| fault(ServerFaultKind::Denied));
    transfer
}

#[test]
fn r3_a_question_waits_for_its_turn_only_where_nothing_is_in_flight() {
    for (refresh, flies, waits) in [(true, false, true), (true, true, false), (false, false, false)] {
        let mut transfer = asking(Direction::Download, refresh, true);
        if flies {
            transfer.parts.launch(op(), ByteRange::at(0, 1), Tries::default(), Time::ZERO);
        }
        assert_eq!(transfer.asks_in_turn(), waits, "{refresh} {flies}");
    }
}

#[test]
fn r3_there_is_a_question_where_something_was_refused_and_nobody_has_asked() {
    let (now, config) = (Now::default(), Config::default());
    for (refused, asked, has) in [(true, false, true), (true, true, false), (false, false, false), (false, true, false)]
    {
        let mut transfer = asking(Direction::Download, true, refused);
        transfer.refresh.op = asked.then(op);
        assert_eq!(transfer.has_question(now, &config), has, "{refused} {asked}");
    }
}

#[test]
fn r3_a_transfer_wants_its_turn_for_a_question_it_has_and_may_ask() {
    let (now, config) = (Now::default(), Config::default());
    for (refresh, refused, question) in [(true, true, true), (true, false, false), (false, true, false)] {
        let transfer = asking(Direction::Download, refresh, refused);
        let wants =
            matches!(transfer.want(now, &config, Allowance { requests: 1, retries: true }), Want::Question { .. });
        assert_eq!(wants, question, "{refresh} {refused}");
    }
}

/// What it asks for counts as the request that will be sent with it.
#[test]
fn r3_a_question_is_as_big_as_its_request() {
    let (now, config) = (Now::default(), Config::default());
    let mut down = asking(Direction::Download, true, true);
    assert_eq!(down.question_bytes(now, &config), 0, "nothing is missing");
    down.parts.todo.insert(ByteRange::at(0, 100));
    assert_eq!(down.question_bytes(now, &config), 100);
    down.phase = Phase::Probing;
    assert_eq!(down.question_bytes(now, &config), 0);

    for (total, part, bytes) in [(20, 10, 10), (5, 10, 5)] {
        let mut up = asking(Direction::Upload, true, true);
        assert_eq!(up.question_bytes(now, &config), 0, "it has no parts yet");
        up.source.layout = Layout::recorded(total, part);
        assert_eq!(up.question_bytes(now, &config), bytes);
        up.phase = Phase::Committing;
        assert_eq!(up.question_bytes(now, &config), 0);
    }
}
