//! What a column is made from, and what is made from it.

use insta::assert_snapshot;

use crate::support::project::TestProject;

#[test]
fn columns_are_followed_through_all_models() {
    // Without data and without a release: the files of the project are enough.
    let bank = TestProject::bank();
    assert_snapshot!("lineage_up", bank.cauce(&["lineage", "kpi_canal.nps", "--up"]).success());
}
