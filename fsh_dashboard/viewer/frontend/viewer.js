// Shows one case: FLAIR, outlines and a map over it, all from this server. What the numbers in the outlines mean is a scheme.
const { Niivue, NVImage, SLICE_TYPE, SHOW_RENDER, DRAG_MODE } = window.niivue

const LAYOUTS = {
  all: SLICE_TYPE.MULTIPLANAR, axial: SLICE_TYPE.AXIAL, coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL, solid: SLICE_TYPE.RENDER,
}
const SCHEMES = {
  reference: {
    colours: [[126, 211, 137], [255, 154, 31], [69, 196, 240]], // of 1, 2, 3; as in the figures of fsh_core
    outlines: {
      found: { title: 'Found', codes: { 1: 2, 2: 2 }, legend: [[2, 'Found by F.sh']] },
      reference: { title: 'Reference', codes: { 1: 3, 3: 3 }, legend: [[3, 'Reference']] },
      compare: {
        title: 'Compare', codes: { 1: 1, 2: 2, 3: 3 },
        legend: [[1, 'In both'], [2, 'Found only'], [3, 'Reference only']],
      },
      none: { title: 'No outlines', codes: {}, legend: [] },
    },
    offered: codes => codes.some(code => code === 1 || code === 3)
      ? ['compare', 'found', 'reference', 'none'] : ['found', 'none'],
  },
  changes: {
    colours: [[255, 122, 60], [235, 190, 40], [60, 200, 140], [80, 165, 245], [205, 130, 210], [190, 196, 204]],
    outlines: {
      changes: {
        title: 'Changes', codes: { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 },
        legend: [[1, 'New'], [2, 'Enlarging'], [3, 'Shrinking'], [4, 'Resolved'], [5, 'Uncertain']],
      },
      sure: {
        title: 'Certain changes', codes: { 1: 1, 2: 2, 3: 3, 4: 4 },
        legend: [[1, 'New'], [2, 'Enlarging'], [3, 'Shrinking'], [4, 'Resolved']],
      },
      all: {
        title: 'Changes and stable', codes: { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6 },
        legend: [[1, 'New'], [2, 'Enlarging'], [3, 'Shrinking'], [4, 'Resolved'], [5, 'Uncertain'], [6, 'Stable']],
      },
      none: { title: 'No outlines', codes: {}, legend: [] },
    },
    offered: () => ['changes', 'sure', 'all', 'none'],
  },
}
const MAPS = { // what may lie over the scan; the colours stand first, for setting them sets the limits anew
  probability: {
    title: 'Probability', settings: { colormap: 'warm', colormapType: 1, cal_min: 0.1, cal_max: 1 }, digits: 2, unit: '',
  },
  difference: {
    title: 'Difference', digits: 1, unit: ' SD',
    settings: { colormap: 'warm', colormapNegative: 'winter', colormapType: 1, cal_min: 2, cal_max: 8, cal_minNeg: -8, cal_maxNeg: -2 },
  },
}
const FILL = { all: 0.15, solid: 0.9 } // how much of a lesion's inside is covered
const element = id => document.getElementById(id)
const say = (type, more = {}) => window.parent.postMessage({ isStreamlitMessage: true, type, ...more }, '*')

const viewer = new Niivue({
  backColor: [0, 0, 0, 1], crosshairColor: [1, 0.85, 0.2, 0.8], crosshairWidth: 0.8, crosshairGap: 12,
  show3Dcrosshair: true, isColorbar: false, isOrientationTextVisible: true, isRadiologicalConvention: true,
  sagittalNoseLeft: true, multiplanarShowRender: SHOW_RENDER.ALWAYS, multiplanarPadPixels: 4, loadingText: '',
  dragMode: DRAG_MODE.windowing, dragAndDropEnabled: false, isResizeCanvas: true, logLevel: 'error',
})
let shown = '' // the volumes in the viewer
let jumped = '' // the last jump that was made
let codes = null // outlines as they came
let range = [0, 1] // darkest and brightest of the FLAIR
let start = [0, 1] // window of the beginning
let scheme = SCHEMES.reference
let map = null // what lies over the scan, of MAPS
let link = null // how this viewer's place is that of the others
let isFollowing = true // what moves the crosshair is not the user
let working = Promise.resolve()
const others = new BroadcastChannel('fsh-volume-viewers')

async function begin() {
  await viewer.attachToCanvas(element('canvas'))
  viewer.setRadiologicalConvention(true)
  viewer.onLocationChange = tell
  viewer.onIntensityChange = showWindow
  window.addEventListener('message', event => {
    if (event.data.type === 'streamlit:render') working = working.then(() => render(event.data)).catch(fail)
  })
  element('layout').onchange = () => { arrange(); share() }
  element('outline').onchange = element('map').onchange = () => { draw(); share() }
  element('window').oninput = element('level').oninput = setWindow
  element('reset').onclick = reset
  others.onmessage = follow
  new ResizeObserver(fit).observe(document.body)
  say('streamlit:componentReady', { apiVersion: 1 })
}

async function render({ args, theme }) {
  isFollowing = true
  dress(theme, args.height)
  scheme = SCHEMES[args.scheme]
  link = args.link ?? null
  const wanted = JSON.stringify(args.layers)
  if (wanted !== shown) {
    await load(args.layers, args.window)
    shown = wanted
  }
  if (args.jump && args.jump.id !== jumped) {
    jumped = args.jump.id
    go(args.jump.mm)
  }
  isFollowing = false
  document.body.dataset.ready = args.case
}

async function load(layers, levels) {
  document.body.dataset.ready = ''
  element('place').textContent = 'Loading …'
  const fetched = {}
  for (const [name, url] of Object.entries(layers)) {
    fetched[name] = await NVImage.loadFromUrl({ url: `../..${url}`, name: `${name}.nii.gz` })
  }
  while (viewer.volumes.length) viewer.removeVolume(viewer.volumes[0])
  start = levels
  range = [Math.min(fetched.flair.global_min, levels[0]), Math.max(fetched.flair.global_max, levels[1])]
  Object.assign(fetched.flair, { cal_min: levels[0], cal_max: levels[1] })
  viewer.addVolume(fetched.flair)
  const name = Object.keys(MAPS).find(kind => fetched[kind])
  map = MAPS[name] ?? null
  if (map) {
    Object.assign(fetched[name], map.settings)
    viewer.addVolume(fetched[name])
  }
  viewer.loadDrawing(fetched.outlines)
  codes = viewer.drawBitmap.slice()
  const channel = index => [0, ...scheme.colours.map(colour => colour[index])]
  viewer.setDrawColormap({
    R: channel(0), G: channel(1), B: channel(2),
    A: [0, ...scheme.colours.map(() => 255)], labels: ['', ...scheme.colours.map((_, index) => `${index + 1}`)],
  })
  viewer.drawRimOpacity = 1
  arrange()
  offer()
  draw()
  showWindow()
}

function offer() {
  const before = element('outline').value
  const names = scheme.offered(codes)
  element('outline').replaceChildren(...names.map(name => new Option(scheme.outlines[name].title, name)))
  if (names.includes(before)) element('outline').value = before
  element('map-choice').hidden = !map
  element('map-name').textContent = map?.title ?? ''
}

function arrange() {
  const layout = element('layout').value
  viewer.setDrawOpacity(FILL[layout] ?? FILL.all)
  viewer.setSliceType(LAYOUTS[layout])
}

function draw() {
  const outline = scheme.outlines[element('outline').value]
  viewer.drawBitmap = codes.map(code => outline.codes[code] ?? 0)
  if (viewer.volumes.length > 1) viewer.setOpacity(1, element('map').checked ? 0.6 : 0)
  viewer.refreshDrawing(true)
  element('legend').replaceChildren(...outline.legend.map(([code, title]) => {
    const item = document.createElement('span')
    const mark = document.createElement('i')
    mark.style.borderColor = `rgb(${scheme.colours[code - 1]})`
    item.append(mark, title)
    return item
  }))
}

function go(mm) {
  viewer.scene.crosshairPos = viewer.mm2frac(mm, 0, true) // true: the mm of the world, however oblique the scan
  viewer.createOnLocationChange()
  viewer.drawScene()
}

function tell({ mm, values }) {
  const [r, a, s] = mm
  const side = (value, plus, minus) => `${value < 0 ? minus : plus} ${Math.abs(value).toFixed(1)}`
  const said = [`${side(r, 'R', 'L')}  ${side(a, 'A', 'P')}  ${side(s, 'S', 'I')} mm`, `FLAIR ${values[0].value.toFixed(1)}`]
  if (map && values.length > 1) said.push(`${map.title.toLowerCase()} ${values[1].value.toFixed(map.digits)}${map.unit}`)
  element('place').textContent = said.join('   ')
  Object.assign(element('place').dataset, { r: r.toFixed(2), a: a.toFixed(2), s: s.toFixed(2) })
  if (link && !isFollowing) others.postMessage({ name: link.name, mm: moved(link.to_common, mm) })
}

function share() {
  if (!link) return
  const [layout, outline] = ['layout', 'outline'].map(id => element(id).value)
  others.postMessage({ name: link.name, choices: { layout, outline, map: element('map').checked } })
}

function follow({ data }) {
  if (!link || data.name !== link.name || isFollowing) return
  isFollowing = true
  if (data.mm) go(moved(link.from_common, data.mm))
  if (data.choices) {
    element('layout').value = data.choices.layout
    element('outline').value = data.choices.outline
    element('map').checked = data.choices.map
    arrange()
    draw()
  }
  isFollowing = false
}

function moved(matrix, [x, y, z]) {
  return matrix.slice(0, 3).map(row => row[0] * x + row[1] * y + row[2] * z + row[3])
}

function setWindow() {
  const span = range[1] - range[0]
  const half = Math.max(1e-6, Number(element('window').value) / 100 * span / 2)
  const middle = range[0] + Number(element('level').value) / 100 * span
  Object.assign(viewer.volumes[0], { cal_min: middle - half, cal_max: middle + half })
  viewer.updateGLVolume()
}

function showWindow() {
  const { cal_min: low, cal_max: high } = viewer.volumes[0]
  const span = range[1] - range[0] || 1
  element('window').value = Math.round((high - low) / span * 100)
  element('level').value = Math.round(((low + high) / 2 - range[0]) / span * 100)
}

function reset() {
  Object.assign(viewer.volumes[0], { cal_min: start[0], cal_max: start[1] })
  viewer.setPan2Dxyzmm([0, 0, 0, 1])
  viewer.setRenderAzimuthElevation(110, 10)
  viewer.updateGLVolume()
  showWindow()
}

function dress(theme, height) {
  const style = document.documentElement.style
  style.colorScheme = theme?.base ?? 'light'
  style.setProperty('--primary', theme?.primaryColor ?? '#b45309')
  style.setProperty('--second', theme?.secondaryBackgroundColor ?? '#f5f6f8')
  style.setProperty('--line', theme?.base === 'dark' ? '#3a4048' : '#d5d9de')
  style.setProperty('--height', `${height}px`)
  document.body.style.color = theme?.textColor ?? '#1f2328'
  document.body.style.background = theme?.backgroundColor ?? '#fff'
  fit()
}

function fit() {
  say('streamlit:setFrameHeight', { height: Math.ceil(document.body.offsetHeight) + 4 })
}

function fail(error) {
  shown = ''
  element('place').textContent = `The scan cannot be shown: ${error.message}`
  console.error(error)
}

begin().catch(fail)
