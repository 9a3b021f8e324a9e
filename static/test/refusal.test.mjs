import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedField } from "../src/lib/refusal.ts";

const FIELDS = ["name", "kind", "password", "principal"];

test("a refusal is about the field that it names", () => {
  assert.equal(refusedField("'password' has 5 characters; 12 to 256 are allowed", FIELDS), "password");
  assert.equal(refusedField("Invalid value x for parameter 'kind' supplied: it is 'person' or 'group'.", FIELDS), "kind");
  assert.equal(refusedField("Missing value for required parameter 'name'. See the API docs", FIELDS), "name");
  assert.equal(refusedField("Invalid name of an account: 'password'. It has 1 to 128 letters", FIELDS), "name");
  assert.equal(refusedField("The name 'kind' is taken", FIELDS), "name");
  assert.equal(refusedField("There is no account or group 'password'", FIELDS), "principal");
});

test("other refusals are about no field", () => {
  assert.equal(refusedField("'email' has 300 characters; at most 200 are allowed", FIELDS), null);
  assert.equal(refusedField("this is the last administrator; make another one before", FIELDS), null);
  assert.equal(refusedField("'nightly' is a service and has no password; make a token for it", FIELDS), null);
  assert.equal(refusedField("", FIELDS), null);
});
