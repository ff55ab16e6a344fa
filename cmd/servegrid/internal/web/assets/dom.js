// Small helpers to build the page. Text is always set as text, never as markup.

const svgTags = new Set(['svg', 'g', 'path', 'line', 'rect', 'circle', 'text', 'title', 'clipPath']);

/** h makes an element: attributes, on* listeners, and children (nodes, texts, lists, nothing). */
export function h(tag, attrs = {}, ...children) {
  const e = svgTags.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k === 'value') e.value = v;
    else if (k === 'checked' || k === 'disabled') e[k] = Boolean(v);
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

/** fill replaces what is in an element. */
export function fill(e, ...children) {
  e.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

/** later runs f once nothing has called it for a while. */
export function later(ms, f) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), ms);
  };
}

/** num writes a number for people; nothing for what is not there. toFixed rounds the
    number itself, as the command line does; toLocaleString rounds its shortest spelling. */
export function num(v, digits = 2) {
  if (v === null || v === undefined || Number.isNaN(v)) return '–';
  const [whole, rest] = Number(v).toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return rest ? `${grouped}.${rest}` : grouped;
}

/** short writes a number with up to four significant digits. */
export function short(v) {
  if (v === null || v === undefined || Number.isNaN(v)) return '–';
  return Math.abs(v) >= 1000 ? Math.round(v).toLocaleString('en-US') : String(Number(Number(v).toPrecision(4)));
}

/** save offers a file to the user. */
export function save(name, type, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const a = h('a', { href: url, download: name });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** csv spells a table; texts that a spreadsheet would run are quoted off. */
export function csv(columns, rows) {
  const cell = (v) => {
    if (v === null || v === undefined) return '';
    let s = typeof v === 'object' ? JSON.stringify(v) : String(v);
    if (typeof v === 'string' && /^[=+\-@\t\r]/.test(s)) s = `'${s}`;
    return /[",\n\r]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
  };
  return [columns, ...rows].map((r) => r.map(cell).join(',')).join('\n') + '\n';
}

/** copyButton copies a text that is made when it is pressed. */
export function copyButton(label, text) {
  const b = h('button', {
    type: 'button',
    class: 'quiet',
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text());
        b.textContent = 'Copied';
      } catch {
        b.textContent = 'Copying is not allowed here';
      }
      setTimeout(() => { b.textContent = label; }, 1500);
    },
  }, label);
  return b;
}

/** field is a labelled control. */
export function field(label, control, hint) {
  return h('label', { class: 'field' }, h('span', {}, label), control, hint && h('small', {}, hint));
}

/** select is a drop-down of texts or [value, text] pairs. */
export function select(options, value, onchange, attrs = {}) {
  const e = h('select', { ...attrs, onchange: () => onchange(e.value) },
    options.map((o) => {
      const [v, text] = Array.isArray(o) ? o : [o, o];
      return h('option', { value: v }, text);
    }));
  e.value = value;
  return e;
}

const isNumber = (c) => typeof c === 'number' || /^([-+$]?[\d,.]+( ?[%x×])?|–)$/.test(c);

/** table shows rows of cells; columns of numbers stand to the right. */
export function table(columns, rows, attrs = {}) {
  const right = columns.map((_, i) => rows.every((r) => isNumber(r[i] ?? '–')) && rows.length > 0);
  const cell = (c) => (c instanceof Node || typeof c === 'string' ? c : c === null || c === undefined ? '–' : typeof c === 'object' ? JSON.stringify(c) : String(c));
  const side = (i) => ({ class: right[i] ? 'n' : null });
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': attrs.label ?? 'table' },
    h('table', {}, h('thead', {}, h('tr', {}, columns.map((c, i) => h('th', { scope: 'col', ...side(i) }, c)))),
      h('tbody', {}, rows.map((r) => h('tr', {}, r.map((c, i) => h('td', side(i), cell(c))))))));
}
