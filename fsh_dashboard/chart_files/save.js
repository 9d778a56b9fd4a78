// Saves a chart of the page as it stands there. Vega draws it as SVG; charts with thousands of points it paints as pixels.
const charts = () => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
  .map(chart => ({ title: chart.getAttribute('aria-label') || 'Chart', svg: chart.querySelector('svg.marks') }))
  .filter(chart => chart.svg)

function save({ title, svg }) {
  const drawing = svg.cloneNode(true)
  drawing.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(drawing)], { type: 'image/svg+xml' }))
  link.download = `fsh-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.svg`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}

export default function ({ parentElement }) {
  const choice = parentElement.querySelector('select')
  const list = () => {
    const chosen = choice.selectedIndex
    const titles = charts().map(chart => chart.title)
    if (titles.join('\n') === [...choice.options].map(option => option.text).join('\n')) return
    choice.replaceChildren(...titles.map(title => new Option(title)))
    choice.selectedIndex = Math.max(0, Math.min(chosen, titles.length - 1))
  }
  parentElement.querySelector('button').onclick = () => {
    list()
    const chart = charts()[choice.selectedIndex]
    if (chart) save(chart)
  }
  choice.onfocus = choice.onpointerdown = list
  const timer = setInterval(list, 2000) // charts come after the page, and change with it
  list()
  return () => clearInterval(timer)
}
