"""What a person does with the shop, in headless Chromium.

    person.py place  --orders URL [--count N]   orders through the form; prints the id of each order, one a line
    person.py refuse --orders URL               sends a form that must be refused; prints what the page says
    person.py look   --pages URL [URL …] [--into FOLDER]
                     opens each page narrow and wide, light and dark, without JavaScript; saves pictures; prints a line
                     for each thing that is wrong: a page that scrolls sideways, has no heading or no language

Every page must work without JavaScript, so the browser has it switched off.
"""

import argparse
import os
import sys

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait


def browser(width=1440, height=1200, dark=False):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


def fill(page, name, text):
    field = page.find_element(By.NAME, name)
    field.clear()
    field.send_keys(text)


def open_form(page, orders):
    page.get(orders + "/orders")
    page.find_element(By.LINK_TEXT, "New order").click()
    WebDriverWait(page, 20).until(lambda p: p.find_elements(By.NAME, "shipping-street"))


def place(options):
    page = browser()
    try:
        for number in range(options.count):
            open_form(page, options.orders)
            Select(page.find_element(By.NAME, "customer")).select_by_index(1 + number % 2)
            items, counts = page.find_elements(By.NAME, "item"), page.find_elements(By.NAME, "count")
            for line in range(2):
                Select(items[line]).select_by_index(1 + line)
                counts[line].clear()
                counts[line].send_keys(str(1 + line + number))
            fill(page, "shipping-street", "Hauptstraße 1 <b>")
            fill(page, "shipping-zip", "10115")
            fill(page, "shipping-city", "Berlin & Umgebung")
            page.find_element(By.XPATH, "//button[contains(., 'Place the order')]").click()
            WebDriverWait(page, 20).until(lambda p: p.find_elements(By.CSS_SELECTOR, "h1 .id"))
            assert "Hauptstraße 1 <b>" in page.find_element(By.TAG_NAME, "main").text, "the address is not shown as typed"
            print(page.find_element(By.CSS_SELECTOR, "h1 .id").text, flush=True)
    finally:
        page.quit()


def refuse(options):
    page = browser()
    try:
        open_form(page, options.orders)
        fill(page, "shipping-city", "Kept City")
        page.find_element(By.XPATH, "//button[contains(., 'Place the order')]").click()
        alert = WebDriverWait(page, 20).until(lambda p: p.find_element(By.CSS_SELECTOR, "[role=alert]"))
        print(alert.text)
        print("kept:", page.find_element(By.NAME, "shipping-city").get_attribute("value"))
    finally:
        page.quit()


def look(options):
    for width in (390, 1440):
        for dark in (False, True):
            page = browser(width, 1400, dark)
            try:
                for number, url in enumerate(options.pages):
                    page.get(url)
                    if options.into:
                        name = f"{number}-{width}-{'dark' if dark else 'light'}.png"
                        page.save_screenshot(os.path.join(options.into, name))
                    root = page.find_element(By.TAG_NAME, "html")
                    if not root.get_attribute("lang"):
                        print(f"{url}: no language")
                    if len(page.find_elements(By.TAG_NAME, "h1")) != 1:
                        print(f"{url}: not exactly one h1")
                    # Without scripts, the layout viewport grows with what sticks out of it.
                    size = page.execute_cdp_cmd("Page.getLayoutMetrics", {})
                    content, view = size["cssContentSize"]["width"], size["cssLayoutViewport"]["clientWidth"]
                    if content > view:
                        print(f"{url}: scrolls sideways at {width} pixels ({content} > {view})")
            finally:
                page.quit()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["place", "refuse", "look"])
    parser.add_argument("--orders")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--pages", nargs="*", default=[])
    parser.add_argument("--into")
    options = parser.parse_args()
    {"place": place, "refuse": refuse, "look": look}[options.action](options)


if __name__ == "__main__":
    sys.exit(main())
