//! The other libraries, behind a trait with the few operations that are compared.

use dashu_int::UBig;
use malachite::Natural;
use num_bigint::BigUint;
use rug::Integer;
use rug::integer::Order;

/// An unbounded number of one library.
pub(crate) trait Library: Clone + 'static {
    const NAME: &'static str;

    /// From binary limbs, the least significant first.
    fn from_limbs(limbs: &[u64]) -> Self;
    fn to_limbs(&self) -> Vec<u64>;
    fn add(&mut self, other: &Self);
    fn sub(&mut self, other: &Self);
    fn product(&self, other: &Self) -> Self;
    fn text(&self) -> String;
}

impl Library for Integer {
    const NAME: &'static str = "rug";

    fn from_limbs(limbs: &[u64]) -> Self {
        Self::from_digits(limbs, Order::Lsf)
    }
    fn to_limbs(&self) -> Vec<u64> {
        self.to_digits(Order::Lsf)
    }
    fn add(&mut self, other: &Self) {
        *self += other;
    }
    fn sub(&mut self, other: &Self) {
        *self -= other;
    }
    fn product(&self, other: &Self) -> Self {
        Self::from(self * other)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Library for BigUint {
    const NAME: &'static str = "num-bigint";

    fn from_limbs(limbs: &[u64]) -> Self {
        Self::from_bytes_le(&fib_benches::data::le_bytes(limbs))
    }
    fn to_limbs(&self) -> Vec<u64> {
        self.to_u64_digits()
    }
    fn add(&mut self, other: &Self) {
        *self += other;
    }
    fn sub(&mut self, other: &Self) {
        *self -= other;
    }
    fn product(&self, other: &Self) -> Self {
        self * other
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Library for UBig {
    const NAME: &'static str = "dashu";

    fn from_limbs(limbs: &[u64]) -> Self {
        Self::from_words(limbs)
    }
    fn to_limbs(&self) -> Vec<u64> {
        self.as_words().to_vec()
    }
    fn add(&mut self, other: &Self) {
        *self += other;
    }
    fn sub(&mut self, other: &Self) {
        *self -= other;
    }
    fn product(&self, other: &Self) -> Self {
        self * other
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Library for Natural {
    const NAME: &'static str = "malachite";

    fn from_limbs(limbs: &[u64]) -> Self {
        Self::from_limbs_asc(limbs)
    }
    fn to_limbs(&self) -> Vec<u64> {
        self.to_limbs_asc()
    }
    fn add(&mut self, other: &Self) {
        *self += other;
    }
    fn sub(&mut self, other: &Self) {
        *self -= other;
    }
    fn product(&self, other: &Self) -> Self {
        self * other
    }
    fn text(&self) -> String {
        self.to_string()
    }
}
