//! Addition with every kernel of this machine, in both radices and both storages, against the schoolbook method.
#![no_main]

use arbitrary::Arbitrary;
use fib_core::{Binary, Decimal, Heap, Inline, Kernel, Limb, Natural, Radix, Storage};
use fib_fuzz::{Run, limbs, naive_sum, naive_text};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Operands {
    a: Vec<Run>,
    b: Vec<Run>,
}

fuzz_target!(|operands: Operands| {
    check::<Decimal, Heap>(&operands, Decimal::BASE - 1, decimal);
    check::<Decimal, Inline<40>>(&operands, Decimal::BASE - 1, decimal);
    check::<Binary, Heap>(&operands, Limb::MAX, binary);
    check::<Binary, Inline<40>>(&operands, Limb::MAX, binary);
});

/// Makes the number with these limbs, or `None` if it does not fit the storage.
type Make<R, S> = fn(&[Limb]) -> Option<Natural<R, S>>;

fn decimal<S: Storage>(limbs: &[Limb]) -> Option<Natural<Decimal, S>> {
    naive_text(limbs).parse().ok()
}

fn binary<S: Storage>(limbs: &[Limb]) -> Option<Natural<Binary, S>> {
    let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    Natural::from_le_bytes(&bytes).ok()
}

fn check<R: Radix, S: Storage>(operands: &Operands, top: Limb, make: Make<R, S>) {
    let a = limbs(&operands.a, &[], top);
    let b = limbs(&operands.b, &a, top);
    for (a, b) in [(&a, &b), (&b, &a), (&a, &a)] {
        let (Some(x), Some(y)) = (make(a), make(b)) else { continue };
        assert_eq!((x.limbs(), y.limbs()), (&a[..], &b[..]));
        let expected = naive_sum(a, b, top);
        for kernel in Kernel::available() {
            kernel.force().expect("it is available");
            let mut sum = x.try_clone().expect("memory");
            match sum.try_add_assign(&y) {
                Ok(()) => assert!(sum.limbs() == expected, "{kernel}: {a:x?} + {b:x?} is not {:x?}", sum.limbs()),
                Err(_) => {
                    assert!(make(&expected).is_none(), "refused what fits");
                    assert_eq!(sum.limbs(), a, "a refusal changes nothing");
                }
            }
        }
    }
}
