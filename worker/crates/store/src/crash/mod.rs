//! Tests of what survives: a disk that loses, tears and refuses writes, a model of what must be there afterwards, and
//! workloads over both.

mod damage;
mod disk;
mod every_point;
mod model;
mod rng;
mod seeds;

pub(crate) use disk::{CrashDisk, Failure};
pub(crate) use model::Model;
pub(crate) use rng::Rng;
