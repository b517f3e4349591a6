"""Self-contained pages: nothing is fetched, everything that a diagram holds is escaped.

Resting a pointer on a goal, in the picture or in the table (or reaching it by keyboard), lights up its two
paths; resting it on a map or an object tells its type, shapes and realisation. Buttons zoom, and a wheel with Ctrl.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import wires
from learningdiagrams.drawing.layout import path_edges
from learningdiagrams.drawing.palette import DARK, LIGHT
from learningdiagrams.drawing.scene import picture_of
from learningdiagrams.drawing.svg import FONT, svg
from learningdiagrams.drawing.tables import equations_table, generators_table

__all__ = ["html", "interactive", "page"]

_STYLE = """
:root{%(light)s}
%(night)s
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:2rem 1.25rem 4rem;background:var(--ground)}
body{color:var(--ink);font:15px/1.5 %(font)s}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2.2rem 0 .6rem}
.muted{color:var(--muted)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;margin:.4rem 0}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--faint);vertical-align:top}
th{color:var(--muted);font-weight:600;white-space:nowrap}
td.number,th.number{text-align:right}
code,pre{font-family:ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
pre{background:var(--panel);padding:.8rem 1rem;border-radius:8px;overflow-x:auto;line-height:1.45}
svg{display:block;max-width:100%%;height:auto}
figure.diagram{overflow:auto}
.zoom{position:sticky;left:0;text-align:right}
.zoom button{font:inherit;font-size:.8rem;min-width:2rem;margin-left:.25rem;border:1px solid var(--faint);
border-radius:6px;background:var(--panel);color:var(--ink);cursor:pointer}
svg g{transition:opacity .12s}
svg.lit g[data-kind]:not(.on):not([data-kind=title]):not([data-kind=legend]){opacity:.18}
svg g[tabindex]{cursor:pointer;outline:none}
svg g[tabindex]:focus-visible rect:first-of-type{stroke-width:2.5px}
tr[tabindex]:hover,tr[tabindex]:focus-visible{background:var(--panel);outline:none}
details summary{cursor:pointer;color:var(--muted)}
"""

_SCRIPT = """
(function(){
  document.querySelectorAll("figure.diagram").forEach(function(figure){
    var paths=JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    var svg=figure.querySelector("svg");
    function light(name){
      var edges=paths[name];
      svg.classList.toggle("lit",!!edges);
      svg.querySelectorAll("g[data-kind]").forEach(function(g){
        var kind=g.getAttribute("data-kind"),own=g.getAttribute("data-name");
        var part=kind==="arrow"||kind==="object"||kind==="wire";
        g.classList.toggle("on",!!edges&&(part?edges.indexOf(kind+":"+own)>=0:own===name));
      });
    }
    function react(element,name){
      if(!(name in paths))return;
      element.setAttribute("tabindex","0");
      element.addEventListener("mouseenter",function(){light(name)});
      element.addEventListener("mouseleave",function(){light(null)});
      element.addEventListener("focus",function(){light(name)});
      element.addEventListener("blur",function(){light(null)});
    }
    svg.querySelectorAll("g[data-kind=goal],g[data-kind=law]").forEach(function(g){react(g,g.getAttribute("data-name"))});
    document.querySelectorAll("tr[data-name]").forEach(function(row){react(row,row.getAttribute("data-name"))});
    var zoom=1;
    function scale(factor){
      zoom=factor?Math.min(8,Math.max(.25,zoom*factor)):1;
      svg.style.maxWidth=factor?"none":"";
      svg.style.width=factor?zoom*svg.viewBox.baseVal.width+"px":"";
    }
    figure.addEventListener("wheel",function(e){
      if(!e.ctrlKey)return;
      e.preventDefault();
      scale(e.deltaY<0?1.15:1/1.15);
    },{passive:false});
    var bar=document.createElement("div");
    bar.className="zoom";
    [["+","larger",1.25],["\u2212","smaller",.8],["1:1","as it was",0]].forEach(function(entry){
      var button=document.createElement("button");
      button.textContent=entry[0];
      button.title=entry[1];
      button.addEventListener("click",function(){scale(entry[2])});
      bar.appendChild(button);
    });
    figure.insertBefore(bar,svg);
  });
})();
"""


def html(diagram: Diagram, residuals: Mapping[str, float] | None = None, dark: bool | None = None) -> str:
    """A page with the picture of a diagram and its tables."""
    sections = [
        interactive(diagram, residuals, dark),
        f"<h2>Equations</h2><div class='scroll'>{equations_table(diagram, residuals)}</div>"
        if diagram.goals or diagram.laws or diagram.measures
        else "",
        f"<h2>Generators</h2><div class='scroll'>{generators_table(diagram)}</div>" if diagram.generators else "",
        f"<h2>As text</h2><pre>{escape(_safe(str(diagram)))}</pre>",
    ]
    return page(diagram.name, sections, dark)


def interactive(diagram: Diagram, residuals: Mapping[str, float] | None = None, dark: bool | None = None) -> str:
    """The picture as a figure whose equations light up their paths; it belongs in a :func:`page`."""
    drawn = svg(picture_of(diagram, residuals, title=False, equations=False), dark)
    lit = {}
    for named in (diagram.goals, diagram.laws, diagram.measures):
        for name, equation in named.items():
            lit[name] = _parts(diagram, [*path_edges(equation.left), *path_edges(equation.right)])
    # In a script element only `</` could end it early.
    data = json.dumps(lit, ensure_ascii=True, sort_keys=True).replace("<", "\\u003c")
    return (
        f'<figure class="diagram" style="margin:1rem 0">{drawn}<script type="application/json">{data}</script></figure>'
    )


def _parts(diagram: Diagram, edges: Iterable[str]) -> list[str]:
    """The groups of a picture that depict these generators, their ends, and the wires of products among these."""
    found: dict[str, None] = {}
    for name in edges:
        found[f"arrow:{name}"] = None
        morphism = diagram.generators[name]
        for end, obj in (("dom", morphism.dom), ("cod", morphism.cod)):
            key = obj.name if obj.factors else f"1 {end} {name}"
            found[f"object:{key}"] = None
            if len(obj.factors) > 1:
                for wire, factor in wires(obj):
                    found[f"wire:{wire}"] = None
                    found[f"object:{factor}"] = None
    return list(found)


def page(title: str, sections: Iterable[str], dark: bool | None = None) -> str:
    """A whole HTML document around sections that are HTML already."""

    def variables(table: Mapping[str, str]) -> str:
        return "".join(f"--{name}:{table[name]};" for name in ("ground", "ink", "muted", "faint", "panel"))

    light, night = (DARK, "") if dark else (LIGHT, "")
    if dark is None:
        night = f"@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    style = _STYLE % {"light": variables(light), "night": night, "font": FONT}
    name = escape(text.plain(title))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{name}</title>\n<style>{style}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
        + "\n".join(section for section in sections if section)
        + f"\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _safe(words: str) -> str:
    """Text without halves of surrogate pairs, which no file can hold."""
    return words.encode("utf-8", "replace").decode("utf-8")
