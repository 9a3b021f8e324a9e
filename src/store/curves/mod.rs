//! Curves: the points of metrics as a plot wants them, as pure functions.
//!
//! A plot asks for series over one x axis. A [`walk`] goes through the parts of all series, of each in the order of its
//! history, and hands a [`walk::Consumer`] the points, or the summaries of chunks where these say enough. It happens
//! twice: a [`survey`] learns how many points there are, from where to where, and so which [`grid`] the answer has; then
//! [`curve`] puts points into [`bucket`]s. Points of attempts that later attempts went over again are sorted out on the
//! way ([`keep`]). For a table of numbers there is a shorter way ([`extremes`]). Nothing here knows SQL, and never more than a chunk is decoded.

pub mod axis;
pub mod bucket;
pub mod curve;
pub mod extremes;
pub mod grid;
pub mod keep;
pub mod smoothing;
pub mod survey;
pub mod walk;
