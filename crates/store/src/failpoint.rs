//! Named places at which a build with the feature `failpoints` dies, if told to; other builds have nothing of it.
//!
//! `store::begun`, `store::rows`, `store::sealed`, `store::commit` and `store::committed` are those of a write: its transaction
//! has begun, its own rows are written, the trail and all else too, it is about to be committed, it is and no one knows.
//! They count only for a request whose id begins with `die`, since others write, too, and the service itself does.
//! `store::claim` is in the claim of a job, before that is committed.
//! `store::migration` is before each step of an upgrade and after the last, `store::migrated` after they are committed.
//! `store::unsynced` makes SQLite acknowledge what isn't synced: the control of those tests.

#[cfg(feature = "failpoints")]
mod built {
    use std::cell::Cell;

    thread_local! {
        static DOOMED: Cell<bool> = const { Cell::new(false) };
    }

    /// Marks the thread that works for `request`.
    pub(crate) fn works_for(request: &str) {
        if request.starts_with("die") {
            DOOMED.set(true);
        }
    }

    /// Dies here, if told to, in the work for a request that is marked.
    pub(crate) fn reached(name: &str) {
        if DOOMED.get() {
            dies(name);
        }
    }

    /// Dies here, if told to.
    pub(crate) fn dies(name: &str) {
        fail::fail_point!(name, |_| std::process::abort());
    }

    /// Whether this was asked to be wrong.
    pub(crate) fn is_wrong(name: &str) -> bool {
        fail::fail_point!(name, |_| true);
        false
    }

    /// Sets what happens at which place, such as `store::commit=return;store::migration=2*off->return`.
    ///
    /// # Errors
    /// What can't be read.
    pub fn set(list: &str) -> Result<(), String> {
        let one = |it: &str| {
            let (name, action) = it.split_once('=').ok_or_else(|| format!("`{it}` has no `=`"))?;
            fail::cfg(name, action)
        };
        list.split(';').filter(|it| !it.is_empty()).try_for_each(one)
    }
}

#[cfg(feature = "failpoints")]
pub use built::set;
#[cfg(feature = "failpoints")]
pub(crate) use built::{dies, is_wrong, reached, works_for};

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn works_for(_: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn reached(_: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn dies(_: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn is_wrong(_: &str) -> bool {
    false
}
