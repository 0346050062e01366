// The schemas for editors, judged by ajv, which nobody here wrote, on YAML that the parser of the
// yaml-language-server reads: what tilld and till-central take and refuse, an editor takes and refuses.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const Ajv = require('ajv');
const YAML = require('yaml');

const {root, cases} = JSON.parse(fs.readFileSync(process.env.TILLD_CONFIG_CASES, 'utf8'));

// Unknown keywords are for editors (patternErrorMessage); everything else has to be right.
const ajv = new Ajv({strict: true, allowUnionTypes: true, strictRequired: false});
ajv.addVocabulary(['patternErrorMessage']);
const validators = new Map();
function judge(file) {
  if (!validators.has(file)) validators.set(file, ajv.compile(JSON.parse(fs.readFileSync(file, 'utf8'))));
  return validators.get(file);
}

test('every case is judged as the programs judge it', () => {
  const wrong = [];
  for (const {schema, text, good, why} of cases) {
    const fits = judge(path.join(root, 'config/schema', schema));
    if (fits(YAML.parse(text)) !== good)
      wrong.push(good ? `${schema} refuses (${ajv.errorsText(fits.errors)}) what the program takes: ${text}` :
        `${schema} takes what the program refuses (${why}): ${text}`);
  }
  assert.deepStrictEqual(wrong, []);
  assert.ok(cases.length > 500, `only ${cases.length} cases`);
});

test('each shipped file names its schema and fits it', () => {
  const folder = path.join(root, 'config');
  const files = [folder, path.join(folder, 'examples'), path.join(folder, 'examples/drop-ins')]
    .flatMap((at) => fs.readdirSync(at).filter((name) => name.endsWith('.yaml')).map((name) => path.join(at, name)));
  assert.ok(files.length >= 6, files.join());
  for (const file of files) {
    const text = fs.readFileSync(file, 'utf8');
    const modeline = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text);
    assert.ok(modeline, `${file} does not begin with a modeline`);
    const fits = judge(path.resolve(path.dirname(file), modeline[1]));
    assert.ok(fits(YAML.parse(text)), `${file}: ${ajv.errorsText(fits.errors)}`);
  }
});

test('what is wrong is told at the place where it is wrong', () => {
  const fits = judge(path.join(root, 'config/schema/tilld.schema.json'));
  assert.ok(!fits({till: {id: 'a', branch: 'b', merchant: 'c'}, listen: {tpc: '127.0.0.1:1'}}));
  assert.strictEqual(fits.errors[0].instancePath, '/listen');
  assert.strictEqual(fits.errors[0].params.additionalProperty, 'tpc');
});
