//! Owns the text form of what a model costs.
//!
//! It must never know how much was used.

use std::str::FromStr;

/// What a model costs, in US dollars for a million tokens; written `IN,OUT[,CACHE_READ[,CACHE_WRITE]]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Tokens that it reads.
    pub input: f64,
    /// Tokens that it writes.
    pub output: f64,
    /// Tokens that it reads from the provider's cache; the price of the input when it is left out.
    pub cache_read: f64,
    /// Tokens that it puts into that cache; the price of the input when it is left out.
    pub cache_write: f64,
}

impl FromStr for Prices {
    type Err = PricesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let prices: Vec<f64> = text.split(',').map(price).collect::<Result<_, _>>()?;
        let (input, output, cache_read, cache_write) = match prices[..] {
            [input, output] => (input, output, input, input),
            [input, output, read] => (input, output, read, input),
            [input, output, read, write] => (input, output, read, write),
            _ => return Err(PricesError),
        };
        Ok(Self {
            input,
            output,
            cache_read,
            cache_write,
        })
    }
}

fn price(text: &str) -> Result<f64, PricesError> {
    let price: f64 = text.trim().parse().map_err(|_| PricesError)?;
    let is_price = price.is_finite() && price >= 0.0;
    is_price.then_some(price).ok_or(PricesError)
}

/// The text does not say what a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "prices are US dollars for a million tokens, `IN,OUT[,CACHE_READ[,CACHE_WRITE]]`, for example `2.5,10`"
)]
pub struct PricesError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_two_three_or_four_numbers() {
        let read = |text: &str| {
            text.parse().map(
                |Prices {
                     input,
                     output,
                     cache_read,
                     cache_write,
                 }| { [input, output, cache_read, cache_write] },
            )
        };
        assert_eq!(read("2.5,10"), Ok([2.5, 10.0, 2.5, 2.5]));
        assert_eq!(read("3, 15, 0.3"), Ok([3.0, 15.0, 0.3, 3.0]));
        assert_eq!(read("3,15,0.3,3.75"), Ok([3.0, 15.0, 0.3, 3.75]));
        assert_eq!(read("0,0"), Ok([0.0; 4]));
        for wrong in [
            "",
            "3",
            "3,",
            "-1,2",
            "inf,1",
            "NaN,1",
            "1,2,3,4,5",
            "$3,15",
        ] {
            assert_eq!(read(wrong), Err(PricesError), "{wrong}");
        }
    }
}
