use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, BufReader, Cursor, Read};

use chrono::NaiveDate;
use flate2::read::MultiGzDecoder;
use kernel::DiagnosisCode;

use crate::{Diagnosis, Error};

/// A release of the diagnosis codes, read to its end: its codes are codes, and none is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The first day of service on which it holds.
    pub first_on: NaiveDate,
    pub(crate) codes: Vec<Diagnosis>,
}

/// The head of a release that is CSV.
const HEAD: [&str; 3] = ["code", "billable", "description"];

/// A row of a release: its line, and its code, flag and description.
type Row = Result<(u64, [String; 3]), Error>;

fn wrong(row: u64, why: &impl ToString) -> Error {
    Error::Release(row, why.to_string())
}

impl Release {
    /// ICD-10-CM of April 2026 (NCHS), which is shipped: 98,186 codes.
    ///
    /// # Errors
    /// None: a test reads it.
    ///
    /// # Panics
    /// Never: its day is one.
    pub fn shipped() -> Result<Self, Error> {
        let first_on = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
        Self::read(&include_bytes!("../data/icd10cm-2026-04.csv.gz")[..], first_on, |_| {})
    }

    /// Reads a release from `file`, plain or compressed by gzip: CSV with a head of `code,billable,description`, or the
    /// order file of CMS. `progress` is told how many codes have been read, now and then.
    ///
    /// # Errors
    /// [`Error::Release`] or [`Error::CodeTwice`] with the first row that is wrong.
    pub fn read(
        file: impl Read,
        first_on: NaiveDate,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, Error> {
        /// So often is `progress` told.
        const STEP: usize = 10_000;
        let (mut codes, mut seen) = (Vec::new(), HashMap::new());
        for row in rows(file)? {
            let (row, [code, billable, description]) = row?;
            let code = DiagnosisCode::parse(&code).ok_or_else(|| wrong(row, &"no ICD-10-CM code"))?;
            match seen.entry(code.clone()) {
                Entry::Vacant(place) => place.insert(row),
                Entry::Occupied(first) => return Err(Error::CodeTwice(row, *first.get())),
            };
            let billable = match &*billable {
                "0" => false,
                "1" => true,
                _ => return Err(wrong(row, &"billable is neither 0 nor 1")),
            };
            if description.is_empty() {
                return Err(wrong(row, &"no description"));
            }
            codes.push(Diagnosis { code, description, billable, first_on, last_on: None });
            if codes.len().is_multiple_of(STEP) {
                progress(codes.len());
            }
        }
        if codes.is_empty() { Err(wrong(1, &"no code follows")) } else { Ok(Self { first_on, codes }) }
    }
}

/// The rows of `file`, of whichever form its first bytes are.
fn rows<'a>(file: impl Read + 'a) -> Result<Box<dyn Iterator<Item = Row> + 'a>, Error> {
    let unreadable = |it: std::io::Error| wrong(1, &it);
    let (magic, file) = begin(file, 2).map_err(unreadable)?;
    let file: Box<dyn Read + 'a> =
        if magic == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let (number, file) = begin(file, 6).map_err(unreadable)?;
    let ordered = number.len() == 6 && number[..5].iter().all(u8::is_ascii_digit) && number[5] == b' ';
    if ordered { Ok(Box::new(ordered_rows(file))) } else { Ok(Box::new(csv_rows(file)?)) }
}

/// The first bytes of `file`, and all of it again.
fn begin<R: Read>(mut file: R, count: u64) -> std::io::Result<(Vec<u8>, impl Read)> {
    let mut bytes = Vec::new();
    file.by_ref().take(count).read_to_end(&mut bytes)?;
    Ok((bytes.clone(), Cursor::new(bytes).chain(file)))
}

fn csv_rows(file: impl Read) -> Result<impl Iterator<Item = Row>, Error> {
    let mut file = csv::Reader::from_reader(file);
    if file.headers().map_err(|it| wrong(1, &it))? != HEAD[..] {
        return Err(wrong(1, &"neither a head of code,billable,description nor a line of CMS's order file"));
    }
    let mut next = 2;
    Ok(file.into_records().map(move |record| {
        let record = record.map_err(|it| wrong(it.position().map_or(next, csv::Position::line), &it))?;
        let row = record.position().map_or(next, csv::Position::line);
        next = row + 1;
        Ok((row, [0, 1, 2].map(|it| record.get(it).unwrap_or_default().trim().to_owned())))
    }))
}

/// Of each line: the code in columns 7 to 13, whether it is billable in 15, the long description from 78 on.
fn ordered_rows(file: impl Read) -> impl Iterator<Item = Row> {
    BufReader::new(file).lines().zip(1..).map(|(line, row)| {
        let line = line.map_err(|it| wrong(row, &it))?;
        let part = |from, to| line.get(from..to).map(|it: &str| it.trim().to_owned());
        let parts = [part(6, 13), part(14, 15), part(77, line.len())];
        let [Some(code), Some(billable), Some(description)] = parts else {
            return Err(wrong(row, &"too short for a line of CMS's order file"));
        };
        Ok((row, [code, billable, description]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, bool, String)>, Error> {
        let first_on = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
        let codes = Release::read(text.as_bytes(), first_on, |_| {})?.codes;
        Ok(codes.into_iter().map(|it| (it.code.to_string(), it.billable, it.description)).collect())
    }

    #[test]
    fn aut_16_the_shipped_release_can_be_read_to_its_end() {
        let codes = Release::shipped().expect("a release").codes;
        assert_eq!(codes.len(), 98_186);
        assert_eq!(codes.iter().filter(|it| it.billable).count(), 74_719);
    }

    #[test]
    fn a_broken_release_names_its_row() {
        let head = "code,billable,description\n";
        for (text, row, why) in [
            ("", 1, "neither a head"),
            ("code,description,billable\n", 1, "neither a head"),
            (head, 1, "no code follows"),
            (&format!("{head}I10,1,x\nI1,1,y\n"), 3, "no ICD-10-CM code"),
            (&format!("{head}I10,yes,x\n"), 2, "billable is neither 0 nor 1"),
            (&format!("{head}I10,1, \n"), 2, "no description"),
            (&format!("{head}I10,1,\"two\nlines\"\nI11,1\n"), 4, "2 fields"),
            ("00001 I10     1 Short", 1, "too short"),
        ] {
            let Err(Error::Release(at, said)) = read(text) else { panic!("{text} was read") };
            assert!(at == row && said.contains(why), "{text}: {at} {said}");
        }
        let twice = format!("{head}I10,1,x\nI11,0,y\ni10,1,x\n");
        assert_eq!(read(&twice), Err(Error::CodeTwice(4, 2)));
    }

    #[test]
    fn the_order_file_of_cms_is_known_by_its_first_line() {
        let line =
            |number, code, flag, short, long| format!("{number:05} {code:<7} {flag} {short:<60} {long}\r\n");
        let text = line(1, "A00", 0, "Cholera", "Cholera")
            + &line(2, "A0100", 1, "Typhoid", "Typhoid fever, unspecified");
        let codes = read(&text).expect("a release");
        let expected = [("A00", false, "Cholera"), ("A01.00", true, "Typhoid fever, unspecified")];
        assert_eq!(
            codes,
            expected.map(|(code, billable, text)| (code.to_owned(), billable, text.to_owned()))
        );
    }
}
