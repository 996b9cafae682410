//! What is written is read back, and what is damaged is refused.

use super::*;
use proptest::prelude::*;

fn sample() -> Checkpoint {
    let mut checkpoint = Checkpoint {
        direction: Direction::Download,
        object: 7,
        nonce: Uuid::from_u128(9),
        total: Some(100),
        part_size: 10,
        validator: Validator { etag: Some("\"v1\"".into()), modified: Some(Wall::from_unix(-5)) },
        fingerprint: Some(Fingerprint { len: 100, modified: -1, changed: 2, file: 3 }),
        content_digest: Digest::new(Algorithm::Md5, &[7; 16]),
        segments: Segments::default(),
        parts: BTreeMap::new(),
        session: None,
        stage: Stage::Fresh,
    };
    for fact in [
        Fact::Segment(Segment { range: ByteRange::at(0, 10), digest: Digest::new(Algorithm::Crc64Nvme, &[1; 8]) }),
        Fact::Segment(Segment { range: ByteRange::at(50, 50), digest: None }),
        Fact::Session("session".into()),
        Fact::Part(UploadedPart::new(3, ByteRange::at(20, 10), "\"tag\""), None),
        Fact::Stage(Stage::Committing),
    ] {
        checkpoint.apply(fact);
    }
    checkpoint
}

#[test]
fn a_checkpoint_reads_back_as_it_was() {
    assert_eq!(Checkpoint::decode(&sample().encode()), Ok(sample()));
}

#[test]
fn d9_a_journal_cut_at_any_byte_gives_a_former_generation_or_a_clean_refusal() {
    let whole = sample().encode();
    let mut stored = 0;
    for cut in 0..whole.len() {
        match Checkpoint::decode(&whole[..cut]) {
            Ok(checkpoint) => {
                assert!(checkpoint.stored() >= stored, "generations only grow");
                assert!(
                    checkpoint.parts.is_empty() || checkpoint.stage == sample().stage,
                    "no parts without their stage"
                );
                stored = checkpoint.stored();
            }
            Err(error) => assert_eq!((error, stored), (CheckpointError::Foreign, 0)),
        }
    }
}

#[test]
fn d9_a_flipped_bit_anywhere_never_adds_a_byte() {
    let whole = sample().encode();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(checkpoint) = Checkpoint::decode(&damaged) {
            assert!(checkpoint.stored() <= sample().stored() && checkpoint != sample());
        }
    }
}

#[test]
fn d9_a_stretch_beyond_the_object_is_none_of_it() {
    let mut foreign = sample().encode().to_vec();
    Fact::Segment(Segment { range: ByteRange::at(100, 10), digest: None }).encode(&mut foreign);
    assert_eq!(Checkpoint::decode(&foreign), Ok(sample()));
}

#[test]
fn d9_a_newer_format_is_refused_by_name() {
    let mut out = Vec::new();
    frame(&mut out, |w| {
        w.bytes(&MAGIC);
        w.u16(VERSION + 1);
    });
    assert_eq!(Checkpoint::decode(&out), Err(CheckpointError::Newer(VERSION + 1)));
    assert_eq!(Checkpoint::decode(&[0; 4096]), Err(CheckpointError::Foreign));
}

#[test]
fn d9_an_older_format_and_parts_of_no_size_are_nothing_of_ours() {
    let mut older = Vec::new();
    frame(&mut older, |w| {
        w.bytes(&MAGIC);
        w.u16(VERSION - 1);
    });
    assert_eq!(Checkpoint::decode(&older), Err(CheckpointError::Foreign));
    let sizeless = Checkpoint { part_size: 0, ..sample() };
    assert_eq!(Checkpoint::decode(&sizeless.encode()), Err(CheckpointError::Foreign));
}

#[test]
fn every_stage_reads_back() {
    for stage in [Stage::Opening, Stage::Open, Stage::Committing, Stage::Aborting] {
        let mut checkpoint = sample();
        checkpoint.apply(Fact::Stage(stage));
        assert_eq!(Checkpoint::decode(&checkpoint.encode()).map(|read| read.stage), Ok(stage));
    }
}

/// As long as a damaged length may say: the bound is on what is read, before any of it is.
#[test]
fn d9_a_frame_without_content_or_beyond_the_bound_ends_the_journal() {
    for (len, read) in [(0, 0), (1, 1), (MAX_FRAME, 1), (MAX_FRAME + 1, 0), (MAX_FRAME + 2, 0)] {
        let mut bytes = Vec::new();
        frame(&mut bytes, |w| w.bytes(&alloc::vec![7; len]));
        assert_eq!(Frames(&bytes).count(), read, "{len}");
    }
}

proptest! {
    #[test]
    fn d9_foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Checkpoint::decode(&bytes);
        let mut framed = Vec::new();
        frame(&mut framed, |w| w.bytes(&bytes));
        let _ = Checkpoint::decode(&framed);
        let mut tail = sample().encode().to_vec();
        frame(&mut tail, |w| w.bytes(&bytes));
        prop_assert!(Checkpoint::decode(&tail).is_ok());
    }
}

#[test]
fn what_a_checkpoint_holds_can_be_asked() {
    let download = sample();
    assert_eq!((download.direction(), download.total(), download.stored()), (Direction::Download, Some(100), 60));
    assert_eq!((download.session(), download.opening()), (Some("session"), false));
    let stretches: Vec<ByteRange> = download.segments().map(|(range, _)| range).collect();
    assert_eq!(stretches, [ByteRange::at(0, 10), ByteRange::at(50, 50)]);
    let mut upload = Checkpoint { direction: Direction::Upload, session: None, total: None, ..sample() };
    upload.apply(Fact::Stage(Stage::Opening));
    assert_eq!((upload.direction(), upload.total(), upload.stored()), (Direction::Upload, None, 10));
    assert_eq!((upload.session(), upload.opening()), (None, true));
    assert_eq!(Checkpoint::decode(&upload.encode()), Ok(upload));
}

#[test]
fn texts_up_to_their_longest_read_back() {
    let mut checkpoint = sample();
    checkpoint.apply(Fact::Session("s".repeat(MAX_TEXT)));
    checkpoint.apply(Fact::Part(UploadedPart::new(4, ByteRange::at(30, 10), "t".repeat(MAX_TEXT)), None));
    checkpoint.validator.etag = Some("e".repeat(MAX_TEXT));
    assert_eq!(Checkpoint::decode(&checkpoint.encode()), Ok(checkpoint));
}
