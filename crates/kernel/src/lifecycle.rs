/// A workflow written as its table of permitted moves: from, action, to, and the permission it takes.
///
/// A move that is absent is refused; there is no other place that decides.
#[derive(Debug)]
pub struct Lifecycle<S: 'static, A: 'static, P: 'static>(pub &'static [(S, A, S, P)]);

impl<S: Copy + PartialEq, A: Copy + PartialEq, P: Copy> Lifecycle<S, A, P> {
    /// Where `action` leads from `status`, if it is permitted there.
    #[must_use]
    pub fn next(&self, status: S, action: A) -> Option<S> {
        self.0.iter().find(|row| row.0 == status && row.1 == action).map(|row| row.2)
    }

    /// The actions that whoever `may` can take from `status`, in the table's order.
    pub fn actions(&self, status: S, may: impl Fn(P) -> bool) -> impl Iterator<Item = A> {
        self.0.iter().filter(move |row| row.0 == status && may(row.3)).map(|row| row.1)
    }
    /// The permission that `action` takes.
    #[must_use]
    pub fn scope(&self, action: A) -> Option<P> {
        self.0.iter().find(|row| row.1 == action).map(|row| row.3)
    }
}
