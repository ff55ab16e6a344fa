// Walks the page with a real browser: every panel, at desktop and phone width, in
// light and dark, and compares what it shows with what the commands say.
//
//   node walk.mjs SERVEGRID [FOLDER FOR SCREENSHOTS]
//
// SERVEGRID is the program; it is run for the expected answers and as the server.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [program, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'servegrid-walk-'));

// The guide's case: its published figures are 521.77 and 397.31.
const guide = { model: 'Qwen/Qwen3-32B-FP8', gpus: 8, isl: 4000, osl: 500, ttft: 600, tpot: 16.67, systems: 'h200_sxm', backends: 'vllm', versions: '0.12.0' };
const asCommand = (q) => ['default', '--model-path', q.model, '--system', q.systems, '--backend', q.backends, '--backend-version', q.versions, '--total-gpus', q.gpus,
  '--isl', q.isl, '--osl', q.osl, '--ttft', q.ttft, '--tpot', q.tpot].map(String);
const cli = (...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const ranked = (q) => JSON.parse(cli(...asCommand(q), '--output', 'json'));
const two = (v) => v.toFixed(2);

let steps = 0;
async function step(name, f) {
  const began = performance.now();
  await f();
  steps++;
  console.log(`ok   ${name} (${Math.round(performance.now() - began)} ms)`);
}

/** serve starts the server and resolves to its address. */
function serve(warehouse) {
  const child = spawn(program, ['webapp', '--server-port', '0', '--warehouse', warehouse], { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (b) => {
      said += b;
      const m = /http:\/\/\S+/.exec(said);
      if (m) resolve({ child, url: m[0], said: () => said });
    });
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

const spec = join(work, 'small.yaml');
const warehouse = join(work, 'warehouse');
writeFileSync(spec, 'name: walk\nmodels: [Qwen/Qwen3-32B-FP8]\nsystems: [h200_sxm]\nbackends: [vllm]\nversions: latest\ngpus: [8]\nisl: 4000\nosl: 500\nttft: [600]\ntpot: [16.67]\n');
cli('sweep', spec, '--warehouse', warehouse, '--run', 'before');
writeFileSync(spec, readFileSync(spec, 'utf8').replace('gpus: [8]', 'gpus: [8, 16]'));
cli('sweep', spec, '--warehouse', warehouse, '--run', 'after');

const server = await serve(warehouse);
const context = await chromium.launchPersistentContext(mkdtempSync(join(work, 'browser-')), {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, viewport: { width: 1360, height: 900 }, acceptDownloads: true,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = context.pages()[0] ?? await context.newPage();
const complaints = [];
const foreign = [];
page.on('pageerror', (e) => complaints.push(`page error: ${e.message}`));
page.on('console', (m) => { if (m.type() === 'error') complaints.push(`console: ${m.text()} ${m.location().url}`); });
page.on('request', (r) => { if (!r.url().startsWith(server.url) && !r.url().startsWith('blob:') && !r.url().startsWith('data:')) foreign.push(r.url()); });

const address = (q) => `${server.url}/?${new URLSearchParams(q)}`;
const settled = (n) => page.waitForFunction((least) => Number(document.body.dataset.ready ?? 0) > least && !document.body.classList.contains('busy'), n ?? 0);
async function open(q) {
  await page.goto(address(q));
  await settled();
}
const text = (selector) => page.locator(selector).first().innerText();
const firstRow = async () => (await page.locator('#ranked tbody tr').first().locator('td').allInnerTexts());
async function accessible(name) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  const bad = result.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`), [], `axe-core on ${name}`);
}
async function shot(name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}

try {
  const answers = ranked(guide);
  const bestOf = (mode, list = answers) => list.find((r) => r.experiment === mode && r.rank === 1);

  await step('explore: the guide\'s case gives 521.77 and 397.31', async () => {
    await open(guide);
    assert.equal(await text('#best-gpu'), '521.77');
    assert.equal(two(bestOf('disagg').tokens_per_s_per_gpu_cluster), '521.77');
    await page.getByRole('button', { name: 'agg', exact: true }).click();
    const row = await firstRow();
    assert.equal(row[1], '397.31');
    assert.equal(row[1], two(bestOf('agg').tokens_per_s_per_gpu_cluster));
    await page.getByRole('button', { name: 'all', exact: true }).click();
    // Every row of the command is there, in its order.
    for (const mode of ['agg', 'disagg']) {
      await page.locator('.segments').getByRole('button', { name: mode, exact: true }).click();
      const shown = await page.locator('#ranked tbody tr td:nth-child(2)').allInnerTexts();
      assert.deepEqual(shown, answers.filter((r) => r.experiment === mode).map((r) => two(r.tokens_per_s_per_gpu_cluster)));
    }
    await page.locator('.segments').getByRole('button', { name: 'all', exact: true }).click();
  });

  await step('explore: dragging TPOT to 12 ms gives the first row of default --tpot 12, before any request', async () => {
    await open(guide);
    const want = ranked({ ...guide, tpot: 12 }).find((r) => r.chosen);
    const limit = page.locator('#chart-speed .limit');
    const grip = await page.locator('#chart-speed .handle').boundingBox();
    const scale = await page.evaluate(() => {
      // From two ticks of the axis: where a speed lies on the screen.
      const at = [...document.querySelectorAll('#chart-speed .axes text.x:not(.name)')].map((t) => { const b = t.getBoundingClientRect(); return [Number(t.textContent.replaceAll(',', '')), b.x + b.width / 2]; });
      const [[v0, x0], [v1, x1]] = [at[0], at.at(-1)];
      return { zero: x0 - (v0 * (x1 - x0)) / (v1 - v0), unit: (x1 - x0) / (v1 - v0) };
    });
    let asked = 0;
    const count = (r) => { if (r.url().includes('/api/sweep')) asked++; };
    page.on('request', count);
    await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
    await page.mouse.down();
    await page.mouse.move(scale.zero + scale.unit * (1000 / 14), grip.y + 4, { steps: 4 });
    await page.mouse.move(scale.zero + scale.unit * (1000 / 12), grip.y + 4, { steps: 4 });
    assert.equal(asked, 0);
    const now = Number(await limit.getAttribute('aria-valuenow'));
    assert.ok(Math.abs(now - 12) < 0.25, `dragged to ${now} ms`);
    const live = await firstRow();
    assert.equal(asked, 0);
    await page.mouse.up();
    page.off('request', count);
    // A pixel is a tenth of a millisecond or so; the keyboard sets the rest.
    await page.locator('#q-tpot').fill('12');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('tpot') === '12' && !document.body.classList.contains('busy'));
    const row = await firstRow();
    assert.deepEqual([row[1], row[2], row[4], row[5], row[6]], [want.tokens_per_s_per_gpu_cluster, want.tokens_per_s_per_user, want.ttft_ms, want.tpot_ms].map(two)
      .concat(Math.round(want.request_latency_ms * 100) / 100).map((v) => (typeof v === 'number' ? v.toFixed(2) : v)).map((v) => v.replace(/\B(?=(\d{3})+\.)/g, ',')));
    assert.equal(live[1], row[1], 'what the drag showed is what the server says');
    assert.equal(two(want.tokens_per_s_per_gpu_cluster), await text('#best-gpu'));
  });

  await step('explore: a limit moves by keyboard, and the URL keeps the state', async () => {
    await open({ ...guide, tpot: 12.1 });
    await page.locator('#chart-speed .limit').focus();
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('tpot') === '12');
    await settled();
    const shown = await text('#best-gpu');
    await page.reload();
    await settled();
    assert.equal(await page.inputValue('#q-tpot'), '12');
    assert.equal(await text('#best-gpu'), shown);
  });

  await step('explore: a looser TTFT is what the command says', async () => {
    await open(guide);
    const before = Number(await page.evaluate(() => document.body.dataset.ready));
    await page.locator('#q-ttft').fill('1200');
    await settled(before);
    const want = ranked({ ...guide, ttft: 1200 }).find((r) => r.chosen);
    assert.equal(await text('#best-gpu'), two(want.tokens_per_s_per_gpu_cluster));
  });

  await step('explore: a point is hovered, clicked and pinned; keys walk along the frontier', async () => {
    await open(guide);
    const circle = page.locator('#chart-speed .front circle').nth(3);
    await (await circle.elementHandle()).waitForElementState('stable');
    const dot = await circle.boundingBox();
    await page.mouse.move(dot.x + dot.width / 2, dot.y + dot.height / 2);
    assert.match(await text('#chart-speed .card'), /tokens\/s\/GPU/);
    await page.mouse.click(dot.x + dot.width / 2, dot.y + dot.height / 2);
    await page.waitForURL(/sel=/);
    assert.match(await text('.selected h2'), /Chosen/);
    await page.reload();
    await settled();
    assert.match(await text('.selected h2'), /Chosen/);
    await page.locator('#chart-speed .keys').focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/sel=/);
  });

  await step('explore: nothing within the limits says what comes closest', async () => {
    await open({ ...guide, ttft: 1, tpot: 1 });
    assert.match(await text('#answer'), /Nothing meets the limits[^]*closest: [\d.]+ tokens\/s\/gpu/);
  });

  await step('explore: coverage names the reason; the matrix of support', async () => {
    await open({ ...guide, backends: 'vllm,trtllm', systems: 'gb200_sxm', versions: '' });
    assert.match(await text('[aria-label=Coverage]'), /backend "vllm" has no measured tables on gb200_sxm/);
    await page.getByRole('button', { name: 'Is this model covered elsewhere?' }).click();
    await page.getByRole('region', { name: 'Support' }).waitFor();
  });

  await step('deploy: the downloaded manifest equals the command line\'s', async () => {
    const saved = join(work, 'saved');
    cli(...asCommand(guide), '--save-dir', saved);
    await open({ ...guide, tab: 'deploy' });
    await page.locator('#download-file').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download-file').click()]);
    assert.equal(download.suggestedFilename(), 'k8s_deploy.yaml');
    const want = readFileSync(join(saved, 'disagg/top1/disagg/k8s_deploy.yaml'), 'utf8');
    assert.equal(readFileSync(await download.path(), 'utf8'), want);
    assert.equal(await page.locator('#file').textContent(), want);
    const [zip] = await Promise.all([page.waitForEvent('download'), page.locator('#download-zip').click()]);
    const unzipped = join(work, 'unzipped');
    execFileSync('python3', ['-m', 'zipfile', '-e', await zip.path(), unzipped]);
    execFileSync('diff', ['-r', join(saved, 'disagg/top1/disagg'), join(unzipped, 'disagg/top1/disagg')]);
    execFileSync('diff', ['-r', join(saved, 'prerequisites'), join(unzipped, 'prerequisites')]);
  });

  await step('deploy: settings change the files at once; a wrong one is said', async () => {
    await page.locator('#namespace').fill('serving');
    await page.locator('#file', { hasText: 'namespace: serving' }).waitFor();
    await page.locator('#overrides').fill('K8sConfig.shared_memry=32Gi');
    await page.getByText(/shared_memry.*did you mean|shared_memry/).first().waitFor();
    await page.locator('#overrides').fill('K8sConfig.shared_memory=32Gi');
    await page.locator('#file', { hasText: 'size: 32Gi' }).waitFor();
  });

  await step('estimate: the figures of the guide\'s worker, operator by operator, memory by part', async () => {
    await open({ ...guide, tab: 'estimate', mode: 'agg' });
    await page.locator('#e-gpu').waitFor();
    assert.equal((await text('#e-gpu')).trim(), '397.31');
    assert.match(await text('[aria-label=Estimate]'), /The bottleneck is \w+/);
    assert.match(await text('[aria-label=Estimate]'), /weights 16\.70 GiB/);
    await page.locator('#e-tp').fill('4');
    await page.locator('[aria-label=Estimate] code', { hasText: 'tp4pp1' }).waitFor();
  });

  await step('validate: AIPerf\'s result beside the prediction', async () => {
    await open({ ...guide, tab: 'validate', mode: 'agg' });
    // The guide's validated run: 8 x H200, TP 2 x 4 replicas.
    const unit = (avg, u) => ({ unit: u, avg });
    const result = {
      time_to_first_token: unit(209, 'ms'), inter_token_latency: unit(15.06, 'ms'), request_throughput: unit(6.9, 'requests/sec'),
      output_token_throughput: unit(3462, 'tokens/sec'), request_count: unit(800, 'requests'), input_config: { loadgen: { concurrency: 56 } },
    };
    await page.getByText('benchmark’s Job').waitFor();
    await page.locator('#results').fill(JSON.stringify(result));
    await page.locator('#compare-result').click();
    const table = page.getByRole('region', { name: 'Comparison' }).locator('table');
    await table.waitFor();
    assert.match(await table.innerText(), /509\.14[^]*209\.00[^]*16\.48[^]*15\.06/);
    await page.locator('#results').fill('nonsense');
    await page.locator('#compare-result').click();
    await page.getByText('results:').waitFor();
  });

  await step('what if: sliders, and the fewest GPUs for a load', async () => {
    await open({ ...guide, tab: 'whatif' });
    await page.locator('#s-isl').focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
    await page.getByText(/then ISL 8192, OSL 500/).waitFor();
    await page.locator('#fewest').waitFor();
    await page.locator('#rate').fill('20');
    await page.getByText(/carry 20 requests\/s/).waitFor();
    assert.match(await text('#fewest'), /^\d+ GPUs$/);
  });

  await step('compare: ways of serving, prices, and a question that is kept', async () => {
    await open({ ...guide, tab: 'compare' });
    await page.locator('[data-price=h200_sxm]').fill('3.6');
    // 3.6 $/h over 521.775 tokens/s: 1.917 $ per million.
    await page.getByText('$1.917').waitFor();
    await page.locator('#keep').click();
    await page.locator('#q-gpus').fill('16');
    await page.getByText('Qwen3-32B-FP8 4000/500 on 8:').first().waitFor();
  });

  await step('compare: what changed between two runs', async () => {
    await open({ ...guide, tab: 'compare' });
    await page.locator('#compare-runs').click();
    const rows = page.getByRole('region', { name: 'Changes' });
    await rows.waitFor();
    // The second run asks about 16 GPUs too.
    assert.match(await rows.innerText(), /added[^]*4000\/500 on 16/);
    assert.doesNotMatch(await rows.innerText(), /4000\/500 on 8\b/);
    await page.locator('#run-b').selectOption('before');
    await page.locator('#compare-runs').click();
    await page.getByText('Nothing changed on the frontiers of').waitFor();
  });

  await step('ask: SQL as table, chart and files', async () => {
    await open({ ...guide, tab: 'ask' });
    await page.locator('#examples').selectOption({ label: 'Best on every system' });
    const rows = page.getByRole('region', { name: 'Rows' });
    await rows.waitFor();
    assert.match(await rows.innerText(), /521\.8/);
    await page.locator('#chart-sql svg').waitFor();
    const [parquet] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Parquet' }).click()]);
    assert.equal(readFileSync(await parquet.path()).subarray(0, 4).toString(), 'PAR1');
    await page.locator('#sql').fill('drop view points');
    await page.keyboard.press('Control+Enter');
    await page.getByText(/only a single query can be run/).waitFor();
  });
  // The browser itself writes refused requests to its console.
  const refused = complaints.filter((c) => !/status of 4\d\d/.test(c));
  complaints.length = 0;
  complaints.push(...refused);

  // What is there once a panel has its answer.
  const filled = { explore: '#ranked', compare: '[aria-label="Side by side"] td', deploy: '#file', validate: 'text=The benchmark’s Job', whatif: '#fewest', estimate: '.stack', ask: '#sql' };
  const looks = [['explore', {}], ['compare', { systems: 'h200_sxm,h100_sxm,b200_sxm', backends: 'trtllm,vllm,sglang', versions: '', prices: 'h200_sxm:3.5,b200_sxm:5' }], ['deploy', {}], ['validate', {}], ['whatif', {}], ['estimate', {}], ['ask', {}]];
  for (const scheme of ['light', 'dark']) {
    await step(`axe-core finds nothing serious on any panel, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      for (const [width, height] of [[1360, 900], [390, 1400]]) {
        await page.setViewportSize({ width, height });
        for (const [tab, more] of looks) {
          await open({ ...guide, ...(tab === 'explore' ? { backends: 'trtllm,vllm,sglang', versions: '' } : {}), ...more, tab });
          if (tab === 'ask') {
            await page.locator('#examples').selectOption({ label: 'Frontier of one system' });
            await page.locator('#chart-sql svg').waitFor();
          }
          await page.locator(filled[tab]).first().waitFor();
          await accessible(`${tab}, ${scheme}, ${width} wide`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${tab} is ${wide} px wide on a screen of ${width}`);
          if ((scheme === 'light') === (tab !== 'estimate')) await shot(`${tab}-${width < 700 ? 'phone' : 'desktop'}`);
        }
      }
    });
  }

  await step('nothing was asked of another origin, and nothing complained', async () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints, []);
  });

  await context.close();
  await step('the server ends cleanly', async () => {
    const code = new Promise((resolve) => { server.child.removeAllListeners('exit'); server.child.on('exit', resolve); });
    server.child.kill('SIGTERM');
    assert.equal(await code, 0, server.said());
  });
  console.log(`${steps} steps`);
} finally {
  await context.close();
  server.child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}
