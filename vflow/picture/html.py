"""Write a picture of a graph as one HTML file that works offline: pan, zoom, details of nodes and links."""

from __future__ import annotations

from html import escape

from vflow.picture.scene import Scene
from vflow.picture.svg import svg

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; font: 14px Helvetica, Arial, sans-serif; overflow: hidden; height: 100vh;
  background: light-dark(#ffffff, #12161c); }}
#view {{ width: 100vw; height: 100vh; cursor: grab; touch-action: none; }}
#view > svg {{ width: 100%; height: 100%; }}
#about {{ position: fixed; right: 12px; top: 12px; max-width: 42ch; margin: 0; padding: 10px 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 12px ui-monospace, monospace;
  background: Canvas; color: CanvasText;
  border: 1px solid GrayText; border-radius: 8px; max-height: 80vh; overflow: auto; }}
#about:empty {{ display: none; }}
#keys {{ position: fixed; left: 12px; bottom: 8px; margin: 0; color: GrayText; font-size: 12px; }}
.faint {{ opacity: .18; }}
g.node, g.link {{ transition: opacity .12s; }}
</style>
<div id="view" tabindex="0" aria-label="{title}: drag to move, wheel or + and - to zoom, 0 to see all">
{picture}
</div>
<pre id="about" aria-live="polite"></pre>
<p id="keys">drag, wheel, + - 0; click a node or a link</p>
<script>
const view = document.getElementById("view"), about = document.getElementById("about");
const svg = view.querySelector("svg");
const whole = svg.viewBox.baseVal, all = [whole.x, whole.y, whole.width, whole.height];
let box = [...all];
const show = () => svg.setAttribute("viewBox", box.join(" "));
function zoom(by, x = innerWidth / 2, y = innerHeight / 2) {{
  const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse());
  const width = Math.min(4 * all[2], Math.max(all[2] / 40, box[2] * by)), scale = width / box[2];
  box = [at.x - (at.x - box[0]) * scale, at.y - (at.y - box[1]) * scale, width, box[3] * scale];
  show();
}}
view.addEventListener("wheel", event => {{
  event.preventDefault();
  zoom(Math.exp(event.deltaY / 500), event.clientX, event.clientY);
}}, {{ passive: false }});
let held = null;
view.addEventListener("pointerdown", event => {{ held = [event.clientX, event.clientY, ...box]; }});
addEventListener("pointerup", () => {{ held = null; }});
addEventListener("pointermove", event => {{
  if (!held) return;
  const scale = 1 / svg.getScreenCTM().a;
  box[0] = held[2] - (event.clientX - held[0]) * scale;
  box[1] = held[3] - (event.clientY - held[1]) * scale;
  show();
}});
addEventListener("keydown", event => {{
  if (event.key === "+" || event.key === "=") zoom(0.8);
  else if (event.key === "-") zoom(1.25);
  else if (event.key === "0") {{ box = [...all]; show(); }}
  else if (event.key === "Escape") choose(null);
}});
const links = [...svg.querySelectorAll("g.link")], nodes = [...svg.querySelectorAll("g.node")];
for (const part of [...links, ...nodes]) {{ // a tooltip beside the panel would say the same twice
  const title = part.querySelector("title");
  part.dataset.about = title.textContent;
  title.remove();
  part.addEventListener("pointerenter", () => {{ if (!chosen) about.textContent = part.dataset.about; }});
  part.addEventListener("click", event => {{ event.stopPropagation(); choose(part); }});
}}
let chosen = null;
function choose(part) {{
  chosen = part === chosen ? null : part;
  about.textContent = chosen ? chosen.dataset.about : "";
  const of = chosen && (chosen.dataset.node
    ? links.filter(link => [link.dataset.source, link.dataset.target].includes(chosen.dataset.node))
    : [chosen]);
  const near = of && new Set([chosen, ...of, ...nodes.filter(node => of.some(
    link => [link.dataset.source, link.dataset.target].includes(node.dataset.node)))]);
  for (const other of [...links, ...nodes]) other.classList.toggle("faint", !!near && !near.has(other));
}}
view.addEventListener("click", () => choose(null));
</script>
</html>
"""


def html(scene: Scene) -> str:
    """Return the whole file: the picture, and a few lines of script. It loads nothing from elsewhere."""
    return PAGE.format(title=escape(scene.title), picture=svg(scene))
