//! Owns the bearer token: 32 random bytes, their text form, the file they live in and the one place that compares them.
//!
//! It must never know how a request carries the token, nor who asks.

use std::{
    fmt::{self, Debug},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

use rustix::{process::geteuid, rand::GetRandomFlags};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const LEN: usize = 32;

/// The secret that lets a client in over TCP. `Debug` prints `***`; there is no `Display` and no `Serialize`.
#[derive(Clone)]
pub struct BearerToken([u8; LEN]);

impl BearerToken {
    /// Makes a token from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`TokenError::Random`] when the system has none to give.
    pub fn generate() -> Result<Self, TokenError> {
        let mut bytes = [0; LEN];
        let filled = rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty());
        match filled {
            Ok(LEN) => Ok(Self(bytes)),
            Ok(_) => Err(TokenError::Random(io::ErrorKind::UnexpectedEof.into())),
            Err(errno) => Err(TokenError::Random(errno.into())),
        }
    }

    /// Compares in a time that does not depend on where the two differ.
    ///
    /// Both sides have the same fixed length: a comparison of unequal lengths would end early (reliability 5.2).
    #[must_use]
    pub fn matches(&self, presented: &Self) -> bool {
        self.0.ct_eq(&presented.0).into()
    }

    /// Returns the 64 hexadecimal digits a client presents. The caller takes over the duty not to log them.
    #[must_use]
    pub fn expose_hex(&self) -> String {
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
            .collect()
    }

    /// Reads the token from a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`TokenError::Read`] when it cannot be read, [`TokenError::Exposed`] when others can read it too,
    /// [`TokenError::Foreign`] when it belongs to another user, [`TokenError::Malformed`] when it holds something else.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // The open file is examined, not the name: the name may lead elsewhere a moment later.
        let metadata = file.metadata().map_err(failed)?;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        if metadata.uid() != geteuid().as_raw() && metadata.uid() != 0 {
            return Err(TokenError::Foreign {
                path: path.to_owned(),
                uid: metadata.uid(),
            });
        }
        let mut text = String::new();
        file.take(1024).read_to_string(&mut text).map_err(failed)?;
        text.trim().parse().map_err(|_| TokenError::Malformed {
            path: path.to_owned(),
        })
    }

    /// Reads the token, or makes it when the file does not exist, together with the private folder it lives in.
    ///
    /// The file appears complete and with mode 0600, under its name, or not at all; of several processes that start at
    /// once one makes it and all read the same.
    ///
    /// # Errors
    ///
    /// As [`BearerToken::read`] and [`BearerToken::generate`], and [`TokenError::Write`] when the file cannot be made.
    pub fn read_or_create(path: &Path) -> Result<Self, TokenError> {
        match Self::read(path) {
            Err(TokenError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
        let token = Self::generate()?;
        write_new(path, &token).map_err(|source| TokenError::Write {
            path: path.to_owned(),
            source,
        })?;
        Self::read(path)
    }
}

impl FromStr for BearerToken {
    type Err = ParseTokenError;

    /// Parses exactly 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: &[u8; 2 * LEN] = text.as_bytes().try_into().map_err(|_| ParseTokenError)?;
        let mut bytes = [0; LEN];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Tells that a text is not 64 hexadecimal digits, without repeating it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 64 hexadecimal digits")]
pub struct ParseTokenError;

/// Tells why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("token file `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than the owner can read or write the file.
    #[error("token file `{}` has mode {mode:04o} and others can read it; run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to another user.
    #[error("token file `{}` belongs to uid {uid}, neither to us nor to root", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The file holds something else.
    #[error("token file `{}` does not hold 64 hexadecimal digits; make one with `openssl rand -hex 32`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("token file `{}` cannot be made", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gave no random numbers.
    #[error("no random numbers for a token")]
    Random(#[source] io::Error),
}

fn hex_digit(digit: u8) -> Result<u8, ParseTokenError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseTokenError),
    }
}

/// Writes under a name of our own and links it to the final name, which fails if another process was first.
fn write_new(path: &Path, token: &BearerToken) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let draft = folder.join(format!(".token.{}", Uuid::new_v4().simple()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = writeln!(file, "{}", token.expose_hex()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    });
    fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_from_its_hexadecimal_form() {
        let token = BearerToken::generate().expect("random numbers");
        let other = BearerToken::generate().expect("random numbers");
        let same: BearerToken = token
            .expose_hex()
            .to_uppercase()
            .parse()
            .expect("64 digits");
        assert!(token.matches(&same));
        assert!(!token.matches(&other));
    }

    #[test]
    fn what_is_not_64_digits_is_no_token() {
        for text in [
            "",
            "ab",
            &"ab".repeat(31),
            &"ab".repeat(33),
            &"zz".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(
                text.parse::<BearerToken>().err(),
                Some(ParseTokenError),
                "{text}"
            );
        }
    }

    #[test]
    fn debug_keeps_the_secret() {
        let token: BearerToken = "ab".repeat(32).parse().expect("64 digits");
        assert_eq!(format!("{token:?} {:?}", Some(&token)), "*** Some(***)");
    }
}
