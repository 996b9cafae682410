//! `longhaul demo`, smaller.

use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_survives_and_leaves_nothing() {
    let place = Place::new().await;
    let temporary = place.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = place.command(["demo", "--size", "24MiB"]);
    command.env("TMPDIR", &temporary);
    let told = crate::support::Told::of(command).await.expect(0);
    assert!(
        told.stdout.contains("killed with SIGKILL") && told.stdout.contains("Everything arrived unharmed"),
        "{told:#?}"
    );
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(place.outputs().is_empty());
}
