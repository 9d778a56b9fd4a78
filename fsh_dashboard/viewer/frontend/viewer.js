// Shows one case: FLAIR, outlines (1 both, 2 found only, 3 reference only) and probability, all from this server.
const { Niivue, NVImage, SLICE_TYPE, SHOW_RENDER, DRAG_MODE } = window.niivue

const COLOURS = { both: [126, 211, 137], found: [255, 154, 31], missed: [69, 196, 240] } // as in the figures of fsh_core
const LAYOUTS = {
  all: SLICE_TYPE.MULTIPLANAR, axial: SLICE_TYPE.AXIAL, coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL, solid: SLICE_TYPE.RENDER,
}
const OUTLINES = {
  found: { title: 'Found', codes: { 1: 2, 2: 2 }, legend: [['found', 'Found by F.sh']] },
  reference: { title: 'Reference', codes: { 1: 3, 3: 3 }, legend: [['missed', 'Reference']] },
  compare: {
    title: 'Compare', codes: { 1: 1, 2: 2, 3: 3 },
    legend: [['both', 'In both'], ['found', 'Found only'], ['missed', 'Reference only']],
  },
  none: { title: 'No outlines', codes: {}, legend: [] },
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
let working = Promise.resolve()

async function begin() {
  await viewer.attachToCanvas(element('canvas'))
  viewer.setRadiologicalConvention(true)
  viewer.onLocationChange = tell
  viewer.onIntensityChange = showWindow
  window.addEventListener('message', event => {
    if (event.data.type === 'streamlit:render') working = working.then(() => render(event.data)).catch(fail)
  })
  element('layout').onchange = arrange
  element('outline').onchange = draw
  element('probability').onchange = draw
  element('window').oninput = element('level').oninput = setWindow
  element('reset').onclick = reset
  new ResizeObserver(fit).observe(document.body)
  say('streamlit:componentReady', { apiVersion: 1 })
}

async function render({ args, theme }) {
  dress(theme, args.height)
  const wanted = JSON.stringify(args.layers)
  if (wanted !== shown) {
    await load(args.layers, args.window)
    shown = wanted
  }
  if (args.jump && args.jump.id !== jumped) {
    jumped = args.jump.id
    go(args.jump.mm)
  }
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
  if (fetched.probability) {
    Object.assign(fetched.probability, { cal_min: 0.1, cal_max: 1, colormap: 'warm', colormapType: 1 })
    fetched.probability.setColormap('warm')
    viewer.addVolume(fetched.probability)
  }
  viewer.loadDrawing(fetched.outlines)
  codes = viewer.drawBitmap.slice()
  viewer.setDrawColormap({
    R: [0, COLOURS.both[0], COLOURS.found[0], COLOURS.missed[0]],
    G: [0, COLOURS.both[1], COLOURS.found[1], COLOURS.missed[1]],
    B: [0, COLOURS.both[2], COLOURS.found[2], COLOURS.missed[2]],
    A: [0, 255, 255, 255], labels: ['', 'both', 'found', 'missed'],
  })
  viewer.drawRimOpacity = 1
  arrange()
  offer(codes.some(code => code === 1 || code === 3), Boolean(fetched.probability))
  draw()
  showWindow()
}

function offer(hasReference, hasProbability) {
  const before = element('outline').value
  const names = hasReference ? ['compare', 'found', 'reference', 'none'] : ['found', 'none']
  element('outline').replaceChildren(...names.map(name => new Option(OUTLINES[name].title, name)))
  if (names.includes(before)) element('outline').value = before
  element('probability-choice').hidden = !hasProbability
}

function arrange() {
  const layout = element('layout').value
  viewer.setDrawOpacity(FILL[layout] ?? FILL.all)
  viewer.setSliceType(LAYOUTS[layout])
}

function draw() {
  const outline = OUTLINES[element('outline').value]
  viewer.drawBitmap = codes.map(code => outline.codes[code] ?? 0)
  if (viewer.volumes.length > 1) viewer.setOpacity(1, element('probability').checked ? 0.6 : 0)
  viewer.refreshDrawing(true)
  element('legend').replaceChildren(...outline.legend.map(([colour, title]) => {
    const item = document.createElement('span')
    const mark = document.createElement('i')
    mark.style.borderColor = `rgb(${COLOURS[colour]})`
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
  if (values.length > 1) said.push(`probability ${values[1].value.toFixed(2)}`)
  element('place').textContent = said.join('   ')
  Object.assign(element('place').dataset, { r: r.toFixed(2), a: a.toFixed(2), s: s.toFixed(2) })
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
