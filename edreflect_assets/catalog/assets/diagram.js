"use strict";
// The entity diagram: dagre finds the places, this draws them as SVG, each view a link.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const CHARACTER = 7.9, HEIGHT = 28, PADDING = 12, TITLE = 22;
  const data = window.CATALOG_DIAGRAM;
  const diagram = document.getElementById("diagram");
  const canvas = diagram.querySelector(".canvas");
  const keys = diagram.querySelector(".keys");
  let drawing = null;
  let scale = 1;

  function svg(tag, attributes, ...children) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function layout(groups) {
    const graph = new dagre.graphlib.Graph({ compound: true });
    graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 64, edgesep: 6, marginx: 16, marginy: 16, ranker: "network-simplex" });
    graph.setDefaultEdgeLabel(() => ({}));
    const nodes = data.nodes.filter((node) => groups.has(node.group));
    const shown = new Set(nodes.map((node) => node.name));
    for (const node of nodes) graph.setNode(node.name, { ...node, width: node.name.length * CHARACTER + 2 * PADDING, height: HEIGHT });
    for (const group of groups) graph.setNode(`group:${group}`, { title: data.groups[group] });
    for (const node of nodes) graph.setParent(node.name, `group:${node.group}`);
    for (const edge of data.edges) {
      if (shown.has(edge.from) && shown.has(edge.to) && edge.from !== edge.to) graph.setEdge(edge.from, edge.to, { keys: edge.keys });
    }
    dagre.layout(graph);
    return titled(graph);
  }

  // Makes room for a title at the top of each group: whatever lies below that line moves down.
  function titled(graph) {
    const clusters = graph.nodes().map((name) => graph.node(name)).filter((node) => node.title);
    const tops = clusters.map((cluster) => cluster.y - cluster.height / 2);
    const down = (y) => y + TITLE * tops.filter((top) => top <= y).length;
    const moved = new Map(clusters.map((cluster, number) => [cluster, [down(tops[number]) - TITLE, down(tops[number] + cluster.height)]]));
    for (const name of graph.nodes()) {
      const node = graph.node(name);
      const [top, bottom] = moved.get(node) ?? [];
      if (node.title) Object.assign(node, { y: (top + bottom) / 2, height: bottom - top });
      else node.y = down(node.y);
    }
    for (const edge of graph.edges()) for (const point of graph.edge(edge).points) point.y = down(point.y);
    graph.graph().height = down(graph.graph().height);
    return graph;
  }

  // From the right side of one view to the left side of the other, level at every point that dagre gave in between.
  function path(from, points, to) {
    const stations = [{ x: from.x + from.width / 2, y: from.y }, ...points.slice(1, -1), { x: to.x - to.width / 2, y: to.y }];
    return stations.reduce((drawn, { x, y }, number) => {
      if (!number) return `M${x},${y}`;
      const middle = (stations[number - 1].x + x) / 2;
      return `${drawn} C${middle},${stations[number - 1].y} ${middle},${y} ${x},${y}`;
    }, "");
  }

  function drawn(graph) {
    const { width, height } = graph.graph();
    const arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      svg("path", { d: "M0,0 L8,4 L0,8 z", fill: "context-stroke" }));
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Views and their join keys" }, svg("defs", {}, arrow));
    for (const edge of graph.edges()) {
      const line = path(graph.node(edge.v), graph.edge(edge).points, graph.node(edge.w));
      picture.append(svg("path", { class: "edge", d: line, "marker-end": "url(#arrow)", "data-from": edge.v, "data-to": edge.w }));
    }
    for (const name of graph.nodes()) {
      const node = graph.node(name);
      if (node.title) {
        const corner = { x: node.x - node.width / 2, y: node.y - node.height / 2 };
        const title = svg("text", { class: "cluster-title", x: corner.x + 12, y: corner.y + 20 });
        title.textContent = node.title;
        picture.prepend(svg("rect", { class: "cluster", ...corner, width: node.width, height: node.height, rx: 10 }), title);
        continue;
      }
      const box = svg("rect", { x: node.x - node.width / 2, y: node.y - HEIGHT / 2, width: node.width, height: HEIGHT, rx: 6 });
      const text = svg("text", { x: node.x, y: node.y + 4.5, "text-anchor": "middle", textLength: node.width - 2 * PADDING, lengthAdjust: "spacingAndGlyphs" });
      text.textContent = name;
      const link = svg("a", { class: "node", href: node.href, "data-name": name, style: `--colour: var(--${node.group})` }, box, text);
      for (const [on, off] of [["mouseenter", "mouseleave"], ["focus", "blur"]]) {
        link.addEventListener(on, () => light(picture, name));
        link.addEventListener(off, () => light(picture, null));
      }
      picture.append(link);
    }
    return picture;
  }

  function light(picture, name) {
    picture.classList.toggle("dimmed", name !== null);
    const near = new Set([name]);
    for (const edge of picture.querySelectorAll(".edge")) {
      const { from, to } = edge.dataset;
      const touches = from === name || to === name;
      edge.classList.toggle("near", touches);
      if (touches) near.add(from).add(to);
    }
    for (const node of picture.querySelectorAll(".node")) node.classList.toggle("near", near.has(node.dataset.name));
    keys.textContent = data.edges.filter((edge) => edge.from === name || edge.to === name).flatMap((edge) => edge.keys).join("; ");
  }

  function zoom(to) {
    const { width, height } = drawing.viewBox.baseVal;
    scale = Math.min(Math.max(to, 0.25), 2);
    drawing.setAttribute("width", width * scale);
    drawing.setAttribute("height", height * scale);
  }

  function fit() {
    zoom(Math.min(1, (canvas.clientWidth - 2) / drawing.viewBox.baseVal.width));
  }

  function draw() {
    const groups = new Set([...diagram.querySelectorAll("[data-group]:checked")].map((box) => box.dataset.group));
    drawing = drawn(layout(groups));
    canvas.replaceChildren(drawing);
    // so small that nothing can be read, it is scrolled instead
    fit();
    if (scale < 0.55) zoom(0.75);
  }

  diagram.hidden = false;
  draw();
  diagram.querySelector(".tools").addEventListener("change", draw);
  diagram.querySelector(".tools").addEventListener("click", (event) => {
    const kind = event.target.dataset.zoom;
    if (kind === "fit") fit();
    else if (kind) zoom(kind === "in" ? scale * 1.25 : scale / 1.25);
  });
})();
