//! What plans do with what changed, fails, is missing or was built before.

use super::*;
use crate::catalog::Difference;
use crate::model::{MeantColumn, Model, Trace};
use crate::release::{CAUCE, Kept, ReleasedDataset, ReleasedModel, TableVersion};

const CATALOG: &str = "version: 1\nproject: p\nlake: lake\ndatasets:\n  a:\n    description: Una fila.\n    \
                       path: a.csv\n    columns:\n      - { name: x, type: int }\n";

fn models(files: &[(&str, &str)]) -> Models {
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let files = files
        .iter()
        .map(|(name, sql)| (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), (*sql).to_owned()));
    Models::parse(files.collect(), &catalog).unwrap()
}

fn file(size: u64) -> ReleasedFile {
    ReleasedFile { path: "a.csv".into(), size, modified: "2024-01-01T00:00:00Z".into(), etag: None }
}

fn listed(size: u64) -> BTreeMap<String, Vec<ListedFile>> {
    BTreeMap::from([("a".to_owned(), vec![ListedFile { facts: file(size), differences: Vec::new() }])])
}

/// Meanings as coarse as fingerprints: rows that differ with the text, read from all columns of the inputs.
fn meanings(models: &Models) -> BTreeMap<TableName, Meaning> {
    let meant = |model: &Model| {
        let from = model.inputs.iter().map(|input| (input.clone(), BTreeSet::from(["x".to_owned()]))).collect();
        let rows = Trace { mark: model.fingerprint.clone(), from, ..Trace::default() };
        Meaning { rows, checks: model.header.checking(), ..Meaning::default() }
    };
    models.iter().map(|model| (model.name.clone(), meant(model))).collect()
}

static NO_CORRECTIONS: BTreeMap<String, String> = BTreeMap::new();
static NO_FAILURES: BTreeSet<TableName> = BTreeSet::new();

/// The facts of a project with one file of ten bytes.
fn facts<'a>(
    models: &'a Models,
    meanings: &'a BTreeMap<TableName, Meaning>,
    catalog: &'a Catalog,
    last: Option<&'a Manifest>,
) -> Facts<'a> {
    let (corrections, failed) = (&NO_CORRECTIONS, &NO_FAILURES);
    Facts { models, meanings, catalog, listed: listed(10), corrections, key: "k", last, unpublished: None, failed }
}

fn plan_of(
    models: &Models,
    catalog: &Catalog,
    listed: BTreeMap<String, Vec<ListedFile>>,
    last: Option<&Manifest>,
    wish: &Wish,
) -> Plan {
    let meanings = meanings(models);
    Plan::new(Facts { listed, ..facts(models, &meanings, catalog, last) }, wish)
}

/// The plan where all files fit.
fn plan(models: &Models, size: u64, last: Option<&Manifest>) -> Plan {
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    plan_of(models, &catalog, listed(size), last, &Wish::default())
}

fn released(models: &Models) -> Manifest {
    let mut last = Manifest::new(4, Some(3), "p", "r", String::new());
    let declaration = Catalog::parse(CATALOG, "catalog.yaml").unwrap().datasets["a"].declaration();
    let dataset = ReleasedDataset { files: vec![file(10)], declaration, ..ReleasedDataset::default() };
    last.datasets.insert("a".into(), dataset);
    let meanings = meanings(models);
    for model in models.iter() {
        let of_input = |input: &TableName| Some((input.clone(), last.content(input)?));
        let released = ReleasedModel {
            run: "r".into(),
            cauce: CAUCE.to_owned(),
            key: "k".to_owned(),
            definition: 1,
            fingerprint: model.fingerprint.clone(),
            meaning: meanings.get(&model.name).cloned(),
            file: model.file.clone(),
            sql: model.text.clone(),
            inputs: model.inputs.clone(),
            built_from: model.inputs.iter().filter_map(of_input).collect(),
            kept: Kept::Table { at: TableVersion::default(), rows: 1, bytes: 1 },
            ..ReleasedModel::default()
        };
        last.models.insert(model.name.clone(), released);
    }
    let contents: BTreeMap<TableName, String> =
        models.iter().filter_map(|model| Some((model.name.clone(), last.content(&model.name)?))).collect();
    for model in models.iter() {
        let read = model.check_inputs.iter().filter_map(|input| contents.get_key_value(input));
        let checked_from = read.map(|(input, content)| (input.clone(), content.clone())).collect();
        last.models.get_mut(&model.name).unwrap().checked_from = checked_from;
    }
    last
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}: {}", step.action.as_str(), step.model, step.reason)).collect()
}

#[test]
fn what_changed_is_built_and_nothing_else() {
    let three = [
        ("processed.b", "SELECT x FROM a"),
        ("curated.c", "SELECT x FROM b"),
        ("curated.d", "SELECT x FROM raw.a WHERE x > 1"),
    ];
    let before = models(&three);
    let last = released(&before);
    assert_eq!(reasons(&plan(&before, 10, None))[0], "build processed.b: there is no release yet");
    let same = plan(&before, 10, Some(&last));
    assert_eq!(
        reasons(&same),
        ["skip processed.b: unchanged", "skip curated.d: unchanged", "skip curated.c: unchanged"]
    );
    assert!(same.changes_nothing() && !plan(&before, 11, Some(&last)).changes_nothing());
    assert_eq!(
        reasons(&plan(&before, 11, Some(&last))),
        [
            "build processed.b: raw.a: 1 replaced file",
            "build curated.d: raw.a: 1 replaced file",
            "build curated.c: processed.b is built anew"
        ]
    );
    let changed = models(&[three[0], ("curated.c", "SELECT x + 1 AS x FROM b"), three[2]]);
    assert_eq!(
        reasons(&plan(&changed, 10, Some(&last))),
        [
            "skip processed.b: unchanged",
            "skip curated.d: unchanged",
            "build curated.c: which rows it has is defined otherwise"
        ]
    );
    let fewer = models(&[three[0], three[2]]);
    assert_eq!(reasons(&plan(&fewer, 10, Some(&last)))[2], "remove curated.c: its file is gone");
}

#[test]
fn the_chain_of_reasons_leads_to_the_files() {
    let chain = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b")]);
    let plan = plan(&chain, 11, Some(&released(&chain)));
    let told: Vec<String> =
        plan.why(&"curated.c".parse().unwrap()).iter().map(|link| format!("{}: {}", link.table, link.reason)).collect();
    assert_eq!(told, ["curated.c: processed.b is built anew", "processed.b: raw.a: 1 replaced file"]);
}

#[test]
fn what_was_not_asked_for_is_caught_up_later() {
    let two = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b")]);
    let last = released(&two);
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let only = Wish { only: Some(BTreeSet::from(["processed.b".parse().unwrap()])), ..Wish::default() };
    let told = reasons(&plan_of(&two, &catalog, listed(11), Some(&last), &only));
    assert_eq!(told, ["build processed.b: raw.a: 1 replaced file", "keep curated.c: not asked for"]);
    // The release of that run: `b` is of another run, `c` as it was.
    let mut next = last.clone();
    next.models.get_mut(&"processed.b".parse().unwrap()).unwrap().run = "r2".into();
    assert_eq!(
        reasons(&plan(&two, 10, Some(&next))),
        ["skip processed.b: unchanged", "build curated.c: processed.b is newer than what it was built from"]
    );
}

#[test]
fn what_changed_is_the_sum_of_all_reasons() {
    let three =
        [("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b"), ("curated.d", "SELECT 1 AS x FROM c")];
    let before = models(&three);
    let column = |name: &str, mark: &str, from: Option<&str>| MeantColumn {
        name: name.to_owned(),
        trace: Trace {
            mark: mark.to_owned(),
            from: from.map(|from| (from.parse().unwrap(), BTreeSet::from(["y".to_owned()]))).into_iter().collect(),
            ..Trace::default()
        },
    };
    // `c.y` is defined otherwise, which does not concern `d`, which reads another column.
    let meant = |y: &str, unsteady: &[&str]| {
        let mut meanings = meanings(&before);
        let c = meanings.get_mut(&"curated.c".parse().unwrap()).unwrap();
        c.columns = vec![column("x", "x", None), column("y", y, None)];
        c.unsteady = unsteady.iter().map(|name| (*name).to_owned()).collect();
        meanings
    };
    let mut last = released(&before);
    for (name, meaning) in meant("1", &[]) {
        last.models.get_mut(&name).unwrap().meaning = Some(meaning);
    }
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let told = |meanings: &BTreeMap<TableName, Meaning>, last: &Manifest| {
        reasons(&Plan::new(facts(&before, meanings, &catalog, Some(last)), &Wish::default()))
    };
    let first = "build curated.c: y is defined otherwise";
    assert_eq!(told(&meant("2", &[]), &last), ["skip processed.b: unchanged", first, "skip curated.d: unchanged"]);
    let after = "build curated.d: curated.c is built anew";
    assert_eq!(told(&meant("2", &["random"]), &last), ["skip processed.b: unchanged", first, after]);
    // A run of `b` alone: `c` is behind it in all its columns.
    last.models.get_mut(&"processed.b".parse().unwrap()).unwrap().run = "r2".into();
    assert_eq!(told(&meant("2", &[]), &last), ["skip processed.b: unchanged", first, after]);
}

#[test]
fn another_key_of_pseudonyms_or_another_text_counts_for_what_it_concerns() {
    let one = models(&[("processed.b", "SELECT x FROM a")]);
    let mut last = released(&one);
    let name = "processed.b".parse().unwrap();
    last.models.values_mut().for_each(|model| model.key = "other".into());
    assert_eq!(reasons(&plan(&one, 10, Some(&last))), ["skip processed.b: unchanged"]);
    let meanings = BTreeMap::from([(
        name,
        Meaning { keyed: true, ..meanings(&one).remove(&one.iter().next().unwrap().name).unwrap() },
    )]);
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let facts = facts(&one, &meanings, &catalog, Some(&last));
    assert_eq!(reasons(&Plan::new(facts, &Wish::default())), ["build processed.b: the key of pseudonym() changed"]);
    let retold = models(&[("processed.b", "-- todos\nSELECT x FROM a")]);
    let told = plan(&retold, 10, Some(&released(&one)));
    assert_eq!(reasons(&told), ["skip processed.b: only its text changed"]);
    assert!(!told.changes_nothing(), "its text is published");
}

#[test]
fn the_next_release_follows_the_last() {
    let models = models(&[("processed.b", "SELECT x FROM a")]);
    assert_eq!((plan(&models, 1, None).release, plan(&models, 1, None).parent), (1, None));
    let after = plan(&models, 1, Some(&released(&models)));
    assert_eq!((after.release, after.parent, after.input_bytes()), (5, Some(4), 1));
}

#[test]
fn a_model_without_input_stays_as_it_was_or_is_left_out() {
    let catalog = format!("{CATALOG}  b:\n    path: b.csv\n    columns: [{{ name: x, type: int }}]\n");
    let catalog = Catalog::parse(&catalog, "catalog.yaml").unwrap();
    let files = |file: &[(&str, &str)]| {
        let named = |(name, sql): &(&str, &str)| {
            (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), (*sql).to_owned())
        };
        Models::parse(file.iter().map(named).collect(), &catalog).unwrap()
    };
    let models = files(&[
        ("processed.p", "SELECT x FROM raw.a"),
        ("processed.q", "SELECT x FROM raw.b"),
        ("curated.r", "SELECT p.x FROM p JOIN q ON p.x = q.x"),
        ("curated.s", "SELECT x FROM p"),
    ]);
    let mut listed = listed(10);
    listed.insert("b".to_owned(), vec![ListedFile { facts: file(5), differences: vec![Difference::Empty] }]);
    let first = plan_of(&models, &catalog, listed.clone(), None, &Wish::default());
    let told = reasons(&first);
    assert!(told.contains(&"leave out processed.q: raw.b: no file fits".to_owned()), "{}", told.join("\n"));
    assert!(told.contains(&"leave out curated.r: processed.q is left out".to_owned()), "{}", told.join("\n"));
    assert_eq!((first.builds().count(), first.blocked().count()), (2, 2));
    assert_eq!(first.quarantined["b"][0].reason, "it is empty");

    let later = plan_of(&models, &catalog, listed, Some(&released(&models)), &Wish::default());
    let told = reasons(&later);
    assert!(told.contains(&"keep processed.q: raw.b: no file fits".to_owned()), "{}", told.join("\n"));
    assert!(told.contains(&"keep curated.r: processed.q is kept".to_owned()), "{}", told.join("\n"));
}

#[test]
fn what_a_run_built_and_did_not_publish_is_taken_up_where_nothing_changed_since() {
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let before =
        [("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b"), ("curated.d", "SELECT x FROM a")];
    let last = released(&models(&before[..1]));
    let taken_up = |now: &Models, size: u64, built: &Unpublished| -> Vec<String> {
        let meanings = meanings(now);
        let facts =
            Facts { listed: listed(size), unpublished: Some(built), ..facts(now, &meanings, &catalog, Some(&last)) };
        let plan = Plan::new(facts, &Wish::default());
        plan.builds().filter(|step| step.resumes.is_some()).map(|step| step.model.to_string()).collect()
    };
    // A run over a file of 20 bytes that built two of three models.
    let mut manifest = released(&models(&before));
    (manifest.release, manifest.parent) = (5, Some(4));
    manifest.datasets.get_mut("a").unwrap().files = vec![file(20)];
    manifest.models.remove(&"curated.d".parse().unwrap());
    manifest.models.values_mut().for_each(|model| model.run = "failed".to_owned());
    let content = |input: &str| manifest.content(&input.parse().unwrap()).unwrap();
    let (raw, b) = (content("raw.a"), content("processed.b"));
    let from = |name: &str, mark: String| BTreeMap::from([(name.parse().unwrap(), mark)]);
    manifest.models.get_mut(&"processed.b".parse().unwrap()).unwrap().built_from = from("raw.a", raw);
    manifest.models.get_mut(&"curated.c".parse().unwrap()).unwrap().built_from = from("processed.b", b);
    let staged = manifest.models.keys().map(|name| (name.clone(), serde_json::Value::Null)).collect();
    let mut built = Unpublished { manifest, staged };

    let all = models(&before);
    assert_eq!(taken_up(&all, 20, &built), ["processed.b", "curated.c"]);
    assert!(taken_up(&all, 21, &built).is_empty(), "another file");
    let other = models(&[before[0], ("curated.c", "SELECT x + 1 AS x FROM b"), before[2]]);
    assert_eq!(taken_up(&other, 20, &built), ["processed.b"]);
    let other = models(&[("processed.b", "SELECT x + 1 AS x FROM a"), before[1], before[2]]);
    assert!(taken_up(&other, 20, &built).is_empty(), "its input is built anew");
    built.forget(&"processed.b".parse().unwrap());
    assert!(taken_up(&all, 20, &built).is_empty(), "its input is built anew");
    built.manifest.parent = Some(3);
    assert!(taken_up(&all, 20, &built).is_empty(), "there was a release since");
}

#[test]
fn models_whose_checks_fail_stay_and_so_does_what_reads_them_unless_it_says_otherwise() {
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let project = |on_failure: &str, edge: &str| {
        let b = format!("/*---\non_failure: {on_failure}\n---*/ SELECT x FROM a");
        let d = format!("/*---\ninputs: {{ b: {{ on_failure: {edge} }} }}\n---*/ SELECT b.x FROM b, raw.a");
        let sql = [("processed.b", b.as_str()), ("curated.c", "SELECT x FROM b"), ("curated.d", d.as_str())];
        models(&sql)
    };
    let failing = BTreeSet::from(["processed.b".parse().unwrap()]);
    let plan = |models: &Models, size: u64, last: Option<&Manifest>| {
        let meanings = meanings(models);
        let facts = Facts { listed: listed(size), failed: &failing, ..facts(models, &meanings, &catalog, last) };
        Plan::new(facts, &Wish::default())
    };
    let held = |models: &Models, last: Option<&Manifest>| plan(models, 11, last).held_back(models, &failing);

    let warned = project("keep_last_good", "warn");
    let last = released(&warned);
    let kept = ["keep processed.b: its checks fail", "keep curated.c: processed.b is kept"];
    let built = "build curated.d: raw.a: 1 replaced file; processed.b is kept";
    assert_eq!(reasons(&plan(&warned, 11, Some(&last))), [kept[0], kept[1], built]);
    assert_eq!(held(&warned, Some(&last)), None);
    // What it reads of the others is as it was.
    assert_eq!(reasons(&plan(&warned, 10, Some(&last)))[2], "skip curated.d: unchanged");

    let usual = project("keep_last_good", "keep_last_good");
    let also = "keep curated.d: processed.b is kept";
    assert_eq!(reasons(&plan(&usual, 11, Some(&released(&usual)))), [kept[0], kept[1], also]);

    let strict = project("keep_last_good", "block");
    let (model, input) = ("curated.d".parse().unwrap(), "processed.b".parse().unwrap());
    let reader = Hold::Reader { model, input, reason: "its checks fail".to_owned() };
    assert_eq!(held(&strict, Some(&released(&strict))), Some(reader));

    let failed = Some(Hold::Failed("processed.b".parse().unwrap()));
    let all = project("block", "warn");
    assert_eq!(held(&all, Some(&released(&all))), failed);
    assert_eq!(held(&warned, None), failed, "there is nothing that could be kept");
}

#[test]
fn checks_may_read_what_stands_behind_them() {
    let checked = "/*---\nchecks: [{ relationship: { x: curated.c.x } }]\n---*/ SELECT x FROM";
    let (alone, z) = (format!("{checked} raw.a WHERE false"), "SELECT x FROM b".to_owned());
    let before = models(&[("curated.a", &alone), ("processed.b", "SELECT x FROM raw.a"), ("curated.c", &z)]);
    let last = released(&before);
    let now = models(&[("curated.a", &alone), ("processed.b", "SELECT x + 1 AS x FROM raw.a"), ("curated.c", &z)]);
    let told = reasons(&plan(&now, 10, Some(&last)));
    assert!(
        told.contains(&"check curated.a: its checks read curated.c, which changed".to_owned()),
        "{}",
        told.join("\n")
    );

    // Also of a model that nobody asked for, and of one whose checks were not measured then.
    let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
    let only = Wish { only: Some(BTreeSet::from(["curated.c".parse().unwrap()])), ..Wish::default() };
    let now =
        models(&[("curated.a", &alone), ("processed.b", "SELECT x FROM raw.a"), ("curated.c", "SELECT 2 AS x FROM b")]);
    let told = reasons(&plan_of(&now, &catalog, listed(10), Some(&last), &only));
    assert!(
        told.iter().any(|told| told.starts_with("check curated.a: its checks read curated.c")),
        "{}",
        told.join("\n")
    );
    let failing = BTreeSet::from(["curated.a".parse().unwrap()]);
    let meant = meanings(&now);
    let facts_then = Facts { failed: &failing, ..facts(&now, &meant, &catalog, Some(&last)) };
    let held = Plan::new(facts_then, &only).held_back(&now, &failing);
    assert_eq!(held, Some(Hold::Failed("curated.a".parse().unwrap())), "asked for or not");
    let mut later = last.clone();
    later.models.get_mut(&"curated.c".parse().unwrap()).unwrap().run = "r2".into();
    let told = reasons(&plan(&before, 10, Some(&later)));
    let missed = "check curated.a: its checks were held against an earlier curated.c";
    assert!(told.contains(&missed.to_owned()), "{}", told.join("\n"));

    // A model that is left out takes along what is held against it.
    let failing = BTreeSet::from(["curated.c".parse().unwrap()]);
    let meanings = meanings(&before);
    let facts = Facts { failed: &failing, ..facts(&before, &meanings, &catalog, None) };
    let told = reasons(&Plan::new(facts, &Wish::default()));
    assert!(told.contains(&"leave out curated.a: curated.c is left out".to_owned()), "{}", told.join("\n"));
}
