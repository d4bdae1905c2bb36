//! How the rows of one list are read: which column is what, and what a row means. Made once, of
//! the settings, of what the list was recognised as, and of its first rows, in this order.

use suppression::{HashAlgorithm, Kind, Scope};

use crate::cell::{self, Domains};
use crate::columns::{ColumnFault, Sample, plain};
use crate::recognise::{self, Clues, Look, Provider, Seen, Signs, Standing};
use crate::spec::{Column, Columns, Format, Spec};
use crate::when;

/// How rows are read.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) provider: Option<&'static Provider>,
    pub(crate) email: Vec<usize>,
    pub(crate) date: Vec<usize>,
    pub(crate) reason: Vec<usize>,
    pub(crate) kind: Vec<usize>,
    pub(crate) scope: Vec<usize>,
    pub(crate) until: Vec<usize>,
    /// The columns that the provider asks for.
    pub(crate) asked: Vec<Vec<usize>>,
    /// Its other ones, with their names.
    pub(crate) others: Vec<(String, usize)>,
    pub(crate) domains: Domains,
    /// Of every row, from the name of the file.
    pub(crate) file_scope: Option<Scope>,
    /// Take whom the list does not say to be out: a setting says that they are.
    pub(crate) everybody: bool,
    /// In what form times are.
    pub(crate) times: Option<&'static str>,
    pub(crate) warnings: Vec<String>,
    /// What would show in any row that the list holds people who may be mailed.
    pub(crate) signs: Signs,
}

/// Why a list is not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlanFault {
    Column(ColumnFault),
    /// It holds people who may be mailed.
    Subscribed(String),
    /// The same, and no setting helps.
    Never(String),
    /// It holds digests, and no setting says of what.
    Digests(HashAlgorithm),
}

impl From<ColumnFault> for PlanFault {
    fn from(fault: ColumnFault) -> Self {
        Self::Column(fault)
    }
}

impl Plan {
    /// For a list whose format says itself where everything is.
    pub(crate) fn bare(look: &Look<'_>, spec: &Spec) -> Result<Self, String> {
        let mut plan = Self { everybody: spec.allow_subscribed, ..Self::default() };
        plan.provider = known(look, spec);
        plan.take_standing(spec).map_err(|fault| match fault {
            PlanFault::Subscribed(why) | PlanFault::Never(why) => why,
            PlanFault::Column(fault) => fault.what,
            PlanFault::Digests(_) => "it holds digests".to_owned(),
        })?;
        Ok(plan)
    }

    /// For records with columns.
    pub(crate) fn new(spec: &Spec, columns: &Columns, look: &Look<'_>) -> Result<Self, PlanFault> {
        let mut plan = Self { everybody: spec.allow_subscribed, ..Self::default() };
        plan.provider = known(look, spec);
        plan.take_standing(spec)?;
        let sample = look.sample;
        let provider = plan.provider;
        let of = |names: fn(&Provider) -> &'static [&'static str]| match provider {
            Some(provider) => names(provider),
            None => &[],
        };
        plan.kind = optional(sample, columns.kind.as_ref(), "kind_column", &[])?;
        plan.scope = optional(sample, columns.scope.as_ref(), "scope_column", &[])?;
        plan.until = optional(sample, columns.until.as_ref(), "until", of(|p| p.until))?;
        plan.email = email(sample, columns, spec, of(|p| p.email))?;
        plan.date = match (&columns.date, provider) {
            (None, Some(provider)) => first_named(sample, provider.date),
            (setting, _) if is_table(spec) => {
                sample.date_by_name(setting.as_ref(), recognise::yes)?
            }
            (setting, _) => sample.date(setting.as_ref())?,
        };
        plan.reason = match (&columns.reason, provider) {
            (None, Some(provider)) => first_named(sample, provider.reason),
            (setting, _) => sample.reason(setting.as_ref())?,
        };
        if let Some(provider) = provider {
            let column = |name: &&str| first_named(sample, &[*name]);
            plan.asked = provider.asks.iter().map(column).collect();
            let header = sample.header.iter().flatten().enumerate();
            let others = header.filter(|(at, _)| {
                (provider.others)(look, *at) && !plan.email.contains(at) && !plan.date.contains(at)
            });
            plan.others = others.map(|(at, name)| (name.trim().to_owned(), at)).collect();
            plan.file_scope = (provider.scope)(look);
            plan.warnings.extend((provider.remark)(look));
        }
        plan.tell_of_kind(spec);
        plan.times = times(sample, &plan.date);
        if plan.provider.is_none() {
            plan.refuse_subscribed(spec, look)?;
        }
        if spec.hashed.is_none()
            && let Some(algorithm) = digests(sample, &plan.email)
        {
            return Err(PlanFault::Digests(algorithm));
        }
        Ok(plan)
    }

    /// What goes for the list as a whole.
    fn take_standing(&mut self, spec: &Spec) -> Result<(), PlanFault> {
        let Some(provider) = self.provider else { return Ok(()) };
        self.domains = provider.domains;
        self.warnings.extend(provider.warning.map(str::to_owned));
        if spec.kind == Some(Kind::Consent) {
            return Ok(());
        }
        match provider.standing {
            Standing::Out => {}
            // Of a table only what is new may have been asked for, and rows say what they are.
            Standing::In(_) if is_table(spec) && !provider.asks.is_empty() => {}
            Standing::Never(why) => return Err(PlanFault::Never(why.to_owned())),
            Standing::In(why) if !spec.allow_subscribed => {
                return Err(PlanFault::Subscribed(why.to_owned()));
            }
            Standing::In(why) => {
                self.warnings.push(format!("{why}; taken because of allow_subscribed = true"));
            }
        }
        Ok(())
    }

    /// A kind that is set goes before what is recognised, which may be by mistake.
    fn tell_of_kind(&mut self, spec: &Spec) {
        let (Some(provider), Some(kind)) = (self.provider, spec.kind) else { return };
        let mut said = Vec::new();
        let own = (provider.says)(&Clues::default(), &mut said).is_ok()
            && said.iter().all(|one| one.kind.is_none_or(|own| own == kind));
        if kind == Kind::Consent || own || !provider.certain || !self.kind.is_empty() {
            return;
        }
        self.warnings.push(format!(
            "this is recognised as {}, and every row is taken as {kind} because that is the kind \
             that is set; a bounce says that an address does not work, not that the person \
             objected",
            provider.name
        ));
    }

    /// Looks at the first rows for those who may be mailed, and keeps an eye on the others.
    fn refuse_subscribed(&mut self, spec: &Spec, look: &Look<'_>) -> Result<(), PlanFault> {
        if spec.kind == Some(Kind::Consent) {
            return Ok(());
        }
        let signs = Signs::of(look, &self.kind, &self.date);
        let mut seen = Seen::default();
        let text = |row: &Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
        let of_somebody =
            |row: &&Vec<String>| self.email.iter().any(|at| !text(row, *at).trim().is_empty());
        let mut rows = look.sample.rows.iter().filter(of_somebody);
        let why = rows.find_map(|row| signs.row(&mut seen, |at| text(row, at)));
        match why {
            Some(why) if spec.allow_subscribed => {
                self.warnings.push(format!("{why}; taken because of allow_subscribed = true"));
            }
            Some(why) => return Err(PlanFault::Subscribed(why)),
            None if spec.allow_subscribed => {}
            None => self.signs = signs,
        }
        Ok(())
    }
}

/// What the list is recognised as. A list of consents is not taken for another one by columns
/// that any list could have.
fn known(look: &Look<'_>, spec: &Spec) -> Option<&'static Provider> {
    let consents = spec.kind == Some(Kind::Consent);
    recognise::recognise(look).filter(|provider| provider.certain || !consents)
}

fn optional(
    sample: &Sample,
    setting: Option<&Column>,
    name: &'static str,
    known: &[&str],
) -> Result<Vec<usize>, ColumnFault> {
    match setting {
        Some(column) => sample.configured(column, name),
        None => Ok(first_named(sample, known)),
    }
}

fn email(
    sample: &Sample,
    columns: &Columns,
    spec: &Spec,
    known: &[&str],
) -> Result<Vec<usize>, PlanFault> {
    if columns.email.is_none() {
        let named = first_named(sample, known);
        if !named.is_empty() {
            return Ok(named);
        }
    }
    let found = match &spec.hashed {
        Some(form) => sample.digest(columns.email.as_ref(), form.algorithm),
        None => sample.email(columns.email.as_ref()),
    };
    // Of a list of digests no column looks like addresses: to say so helps more.
    let all = || (0..sample.width()).find_map(|at| digests(sample, &[at]));
    let for_nobody = || is_table(spec) && sample.is_of_nobody();
    match (found, spec.hashed.is_none().then(all).flatten()) {
        (Err(_), Some(algorithm)) if columns.email.is_none() => Err(PlanFault::Digests(algorithm)),
        // Of what is new in a table there may be nothing.
        (Err(_), None) if columns.email.is_none() && for_nobody() => Ok(sample.perhaps_email()),
        (found, _) => Ok(found?),
    }
}

/// Rows of a database.
fn is_table(spec: &Spec) -> bool {
    matches!(spec.format, Format::Table(_))
}

/// The columns of the first of these names that there is; `#2` is the second of a list without
/// names.
fn first_named(sample: &Sample, names: &[&str]) -> Vec<usize> {
    let found = names.iter().map(|wanted| match wanted.strip_prefix('#') {
        Some(number) if sample.header.is_none() => {
            number.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).into_iter().collect()
        }
        Some(_) => Vec::new(),
        None => sample.named(|name| plain(name) == **wanted),
    });
    found.into_iter().find(|columns: &Vec<usize>| !columns.is_empty()).unwrap_or_default()
}

/// The algorithm whose digests most cells of these columns look like.
fn digests(sample: &Sample, columns: &[usize]) -> Option<HashAlgorithm> {
    let cells: Vec<_> = columns.iter().flat_map(|at| sample.values(*at)).collect();
    let found: Vec<_> = cells.iter().filter_map(|cell| cell::looks_like_digest(cell)).collect();
    (found.len() * 2 > cells.len()).then(|| found.first().copied()).flatten()
}

/// In what form the times of the first rows are.
fn times(sample: &Sample, columns: &[usize]) -> Option<&'static str> {
    columns.iter().rev().find_map(|at| sample.values(*at).find_map(when::form))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::CsvSpec;

    fn sample(text: &str) -> Sample {
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Sample { header: rows.next(), rows: rows.collect() }
    }

    fn plan(text: &str, spec: &Spec) -> Result<Plan, PlanFault> {
        let sample = sample(text);
        Plan::new(spec, &Columns::default(), &Look::new("list.csv", "", &sample))
    }

    fn spec() -> Spec {
        Spec::new("s", Format::Csv(CsvSpec::default()))
    }

    #[test]
    fn a_recognised_list_names_its_columns() {
        let text = "email,reason,detail,created_at,expires_at,last_event_at,expires_at,subaccount\n\
                    b@x.example,unsub,,2016-01-14,,,,";
        let plan = plan(text, &spec()).unwrap();
        assert_eq!(plan.provider.unwrap().name, "Mandrill's rejections");
        assert_eq!((plan.email, plan.date, plan.until), (vec![0], vec![3], vec![4, 6]));
        assert_eq!(plan.asked, [vec![1]]);
    }

    #[test]
    fn digests_without_a_setting_are_told_of() {
        for (text, algorithm) in [
            ("email\nb58996c504c5638798eb6b511e6f49af", HashAlgorithm::Md5),
            ("hash,n\nB58996C504C5638798EB6B511E6F49AF,1", HashAlgorithm::Md5),
            ("h\n0123456789abcdef0123456789abcdef01234567", HashAlgorithm::Sha1),
        ] {
            assert_eq!(plan(text, &spec()).unwrap_err(), PlanFault::Digests(algorithm), "{text}");
        }
    }

    /// A later reading of a table brings few rows, and must not take another column for the time.
    #[test]
    fn the_time_of_a_table_is_in_the_same_column_in_each_reading() {
        let table = Spec::new("s", Format::Table(Columns::default()));
        for (text, date) in [
            ("id,email,created,unsubscribed_at\n1,b@x.example,2019-01-01,2020-01-01", 3),
            ("id,email,created,unsubscribed_at\n1,b@x.example,2019-01-01,", 3),
            ("id,email,created,unsubscribed_at\n1,b@x.example,2019-01-01,soon", 3),
            ("id,email,created,unsubscribed_at", 3),
            ("id,email,created,unsub_time\n1,b@x.example,2019-01-01,0", 3),
            ("id,email,created,unsubscribed\n1,b@x.example,2019-01-01,1", 2),
            ("id,email,created,unsubscribed\n1,b@x.example,2019-01-01,true", 2),
        ] {
            assert_eq!(plan(text, &table).unwrap().date, [date], "{text}");
        }
        let set = Columns { date: Some("created".parse().unwrap()), ..Columns::default() };
        let sample = sample("email,created,unsubscribed_at\nb@x.example,2019-01-01,2020-01-01");
        let found = Plan::new(&table, &set, &Look::new("", "", &sample)).unwrap();
        assert_eq!(found.date, [1]);
    }

    #[test]
    fn columns_that_any_list_could_have_do_not_turn_consents_into_something_else() {
        let text = "email,created\nb@x.example,1443651125";
        assert!(plan(text, &spec()).unwrap().provider.is_some());
        let consents = Spec { kind: Some(Kind::Consent), ..spec() };
        assert!(plan(text, &consents).unwrap().provider.is_none());
    }

    /// Whoever asks a database for what is new gets few rows, or none.
    #[test]
    fn a_table_without_rows_is_no_error() {
        let table = Spec::new("s", Format::Table(Columns::default()));
        for (text, email) in
            [("id,recipient", 1), ("id,recipient\n1,", 1), ("who,n", 0), ("n,email", 1)]
        {
            assert_eq!(plan(text, &table).unwrap().email, [email], "{text}");
        }
        assert!(plan("who,n\nBob @ home,1", &table).is_err());
        assert!(plan("who,n", &spec()).is_err());
        let rows = "uuid,email,attributes,status\n1,b@x.example,{},enabled";
        assert!(plan(rows, &table).is_ok());
        assert!(matches!(plan(rows, &spec()), Err(PlanFault::Subscribed(_))));
    }
}
