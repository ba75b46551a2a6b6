"""Headless Chromium, where it is installed: what a page says on its console, and whether it scrolls sideways."""

import json
import re
import shutil
import subprocess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--allow-file-access-from-files", "--enable-logging=stderr",
    "--virtual-time-budget=20000",
)  # fmt: skip
_FRAMES = """<!DOCTYPE html><title>waiting</title><body>FRAMES<script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map((f) => {
    const page = f.contentDocument;
    SCRIPT
    return {
      path: f.dataset.path, width: f.contentWindow.innerWidth, needs: page.documentElement.scrollWidth,
      title: page.title, formulas: page.querySelectorAll("math").length, value,
    };
  });
  document.body.textContent = "";
  document.title = JSON.stringify(found);
});
</script>"""


def look(paths, widths, folder, script="const value = null;"):
    """Open pages in frames of each width: a list of what each frame found, and the lines of the console. `script` may use `page`, and
    sets `value`."""
    frames = "".join(
        f'<iframe src="{path.resolve().as_uri()}" data-path="{path.name}" style="width:{width}px;height:800px;border:0"></iframe>'
        for path in paths for width in widths
    )  # fmt: skip
    frame = folder / "frames.html"
    frame.write_text(_FRAMES.replace("FRAMES", frames).replace("SCRIPT", script), encoding="utf-8")
    run = subprocess.run(
        [CHROMIUM, *_QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.resolve().as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", run.stdout, re.S).group(1)
    console = [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
    return json.loads(title.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")), console
