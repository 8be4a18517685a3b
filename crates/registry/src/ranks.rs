/// The place of a rank.
pub(crate) const fn at(rank: u32) -> usize {
    rank as usize
}

/// A set of ranks, a bit for each.
pub(crate) struct Ranks(Vec<u64>);

impl Ranks {
    pub(crate) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(crate) fn all(count: usize) -> Self {
        let mut all = Self(vec![u64::MAX; count.div_ceil(64)]);
        if let (Some(last), rest @ 1..) = (all.0.last_mut(), count % 64) {
            *last = (1 << rest) - 1;
        }
        all
    }

    pub(crate) fn add(&mut self, ranks: &[u32]) {
        for it in ranks {
            self.0[at(*it) / 64] |= 1 << (it % 64);
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, its)| *mine &= its);
    }

    pub(crate) fn has(&self, rank: u32) -> bool {
        self.0[at(rank) / 64] >> (rank % 64) & 1 == 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0_u32..).step_by(64).zip(&self.0).flat_map(|(first, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let place = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(first + place)
            })
        })
    }
}
