/// Numbers that look random and are the same in each run (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one thing among those of its kind, so that no thing depends on how many others are made.
    pub(super) fn of(kind: u64, place: u32) -> Self {
        Self((kind << 32) | u64::from(place))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of 0, 1, ... `sides` - 1.
    pub(super) fn throw(&mut self, sides: u32) -> u32 {
        let share = (self.next() >> 32) * u64::from(sides);
        u32::try_from(share >> 32).unwrap_or_default()
    }

    /// One of those in `from`, which isn't empty.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let sides = u32::try_from(from.len()).unwrap_or(u32::MAX);
        &from[self.throw(sides) as usize]
    }
}
