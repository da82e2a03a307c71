//! Jumping to an index: against stepping, another library, known hashes, and residues.

use fib_core::{Decimal, Fibonacci, Natural};

#[test]
fn agrees_with_stepping() {
    let mut walk = Fibonacci::<Decimal>::new();
    for index in 0..=5_000 {
        let single = Natural::fibonacci(index).unwrap();
        let mut jumped = Fibonacci::<Decimal>::new();
        jumped.jump_to(index).unwrap();
        assert_eq!(jumped.index(), index);
        let expected = walk.advance().unwrap();
        assert_eq!(&single, expected, "F({index})");
        assert_eq!(jumped.advance().unwrap(), expected, "jump to {index}");
        let mut next = walk.peek().unwrap().try_clone().unwrap();
        assert_eq!(jumped.advance().unwrap(), &next, "the step after the jump to {index}");
        next.try_add_assign(&single).unwrap();
        assert_eq!(jumped.advance().unwrap(), &next, "two steps after the jump to {index}");
    }
}
