//! Everything that is tested in the simulated world, in one binary: one link, one run.

mod ahead;
mod asked;
mod blocks;
mod chunks;
mod common;
mod consumer;
mod control;
mod corpus;
mod crash;
mod disk;
mod download;
mod elsewhere;
mod every_step;
mod first_answer;
mod fresh;
mod hand;
mod in_doubt;
mod kept;
mod lies;
mod limits;
mod many;
mod objects;
mod planned;
mod planted;
mod presigned;
mod props;
mod recalled;
mod retry;
mod rivals;
mod schedule;
mod seeds;
mod stops;
mod stores;
mod timely;
mod told;
mod upload;
mod ways_out;
mod whole;
mod windowed;

/// The example is a test as well.
#[path = "../../examples/own_provider.rs"]
mod own_provider;

#[test]
fn a_provider_of_ones_own_is_tested_in_all_weathers() {
    own_provider::main();
}
