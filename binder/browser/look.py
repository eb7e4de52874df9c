"""Checks that outputs can be read: contrast, width and pictures, as the browser computes them."""

LEAST_CONTRAST = 4.5  # WCAG 2.1, level AA, for text of any size

# Returns the texts of the outputs that are too faint, as [text, contrast].
FAINT = """
least => {
    const channels = color => {
        const numbers = color.match(/[\\d.]+(e-?\\d+)?/g).map(Number);
        const scale = color.startsWith("color(") ? 255 : 1;
        return [...numbers.slice(0, 3).map(n => n * scale), numbers[3] ?? 1];
    };
    const over = (top, below) => {
        const alpha = top[3];
        return [0, 1, 2].map(i => alpha * top[i] + (1 - alpha) * below[i]);
    };
    const luminance = color => {
        const [r, g, b] = color.map(n => n / 255)
            .map(n => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = node => {
        const below = node.parentElement ? background(node.parentElement) : [255, 255, 255];
        return over(channels(getComputedStyle(node).backgroundColor), below);
    };
    const opacity = node => node ? getComputedStyle(node).opacity * opacity(node.parentElement) : 1;
    const faint = [];
    for (const area of document.querySelectorAll(".jp-Cell .jp-OutputArea-output")) {
        const texts = document.createTreeWalker(area, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const node = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
            if (!text || !node.checkVisibility()) continue;
            const behind = background(node), ink = channels(getComputedStyle(node).color);
            ink[3] *= opacity(node);
            const both = [luminance(over(ink, behind)), luminance(behind)];
            const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
            if (contrast < least) faint.push([text.slice(0, 60), contrast.toFixed(2)]);
        }
    }
    return faint;
}
"""

# Returns what must be scrolled sideways, as [class, text, width of the content, width of its place].
WIDE = """
() => {
    const parts = ".jp-OutputArea-output, .jp-OutputArea-output *, .jp-RenderedMarkdown, .cm-scroller";
    return [...document.querySelectorAll(`.jp-Notebook :is(${parts})`)]
        .filter(node => node.checkVisibility() && node.clientWidth > 0)
        .filter(node => node.scrollWidth > node.clientWidth + 1)
        .map(node => [node.className || node.tagName, node.innerText.slice(0, 60),
                      node.scrollWidth, node.clientWidth]);
}
"""

# Returns each picture in an output, as [alternative text, whether it is shown].
PICTURES = """
() => [...document.querySelectorAll(".jp-OutputArea-output :is(img, svg, [role=img])")]
    .filter(node => node.checkVisibility())
    .map(node => {
        const { width, height } = node.getBoundingClientRect();
        const loaded = node.tagName !== "IMG" || (node.complete && node.naturalWidth > 0);
        return [node.alt || node.ariaLabel || "", loaded && width > 50 && height > 50];
    })
"""


def open_details(page):
    """Opens what is folded, so that it is checked too."""
    page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true; })")


def problems(page):
    """Returns what is hard to read in the outputs of the notebook in this page."""
    open_details(page)
    faint = [
        f"contrast {contrast}: {text!r}" for text, contrast in page.evaluate(FAINT, LEAST_CONTRAST)
    ]
    wide = [
        f"{needs} pixels wide in a place of {has}: {text!r} ({what})"
        for what, text, needs, has in page.evaluate(WIDE)
    ]
    return faint + wide


def pictures(page):
    """Returns the pictures in the outputs, as (alternative text, whether it can be seen)."""
    return [tuple(picture) for picture in page.evaluate(PICTURES)]
