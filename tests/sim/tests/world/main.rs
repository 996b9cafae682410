//! Everything that is tested in the simulated world, in one binary: one link, one run.

mod blocks;
mod common;
mod control;
mod corpus;
mod crash;
mod download;
mod every_step;
mod planted;
mod props;
mod retry;
mod schedule;
mod seeds;
mod stores;
mod upload;
