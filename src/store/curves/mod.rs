//! Series of points as curves to be drawn: pure, without SQL and tasks.
//!
//! Whatever the number of points, an answer has at most as many buckets as a screen has pixels. All series of an answer
//! share one [`grid`]. A [`survey`] finds where the points lie, then each series fills its [`bucket`]s ([`curve`]); both
//! go through the points by a [`walk`] that decodes a chunk only where its summary does not say enough. What of an
//! earlier attempt of a training still counts is decided by [`keep`].

pub mod axis;
pub mod bucket;
pub mod curve;
pub mod grid;
pub mod keep;
mod smoothing;
pub mod survey;
pub mod walk;
