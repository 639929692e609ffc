"""Packs: a sampling round as it lies in the spool, and as SenML (RFC 8428) as it goes out. Integers and text only.

In the spool a pack is one line of ASCII: its time, then the measurements, separated by ";":

    T1763990000;air/air_temperature=8.15;bay/parking_bay_occupied=t      UTC
    U3600,1763945400;air/air_temperature=8.15                            clock not set: uptime and an estimate

It becomes SenML when it is sent, so that a time from before the clock was set is put right once it is known.
"""

from bordstein import clock
from bordstein.properties import row


def decimal(scaled, decimals):
    """A scaled integer as decimal text: (-15, 2) -> "-0.15"."""
    if not decimals:
        return str(scaled)
    sign = "-" if scaled < 0 else ""
    digits = str(abs(scaled))
    if len(digits) <= decimals:
        digits = "0" * (decimals + 1 - len(digits)) + digits
    return sign + digits[:-decimals] + "." + digits[-decimals:]


def measurement(series, value):
    """One measurement as it lies in the spool. series: "air/air_temperature"; value: scaled integer, or bool.

    KeyError when the property is not in the table, TypeError when the value is neither.
    """
    decimals = row(series[series.find("/") + 1 :])[1]
    if isinstance(value, bool):
        return series + ("=t" if value else "=f")
    if not isinstance(value, int):
        raise TypeError("%s: %s is not an integer" % (series, type(value).__name__))
    return series + "=" + decimal(value, decimals)


def pack(measurements, utc, uptime=None):
    """The line for the spool. While the clock is not set: the uptime as well, and an estimate for utc."""
    head = "T%d" % utc if uptime is None else "U%d,%d" % (uptime, utc)
    return (head + ";" + ";".join(measurements)).encode()


def base_name(device):
    """RFC 9039 name of a device (MAC as 12 hex digits, made an EUI-64) as SenML base name."""
    return "urn:dev:mac:" + device[:6] + "fffe" + device[6:] + ":"


def record(name, value, unit=None, time=None):
    """One SenML record; value is JSON text."""
    text = '{"n":"' + name + '"'
    if unit:
        text += ',"u":"' + unit + '"'
    text += ',"vb":' if value in ("true", "false") else ',"v":'
    text += value
    if time is not None:
        text += ',"t":%d' % time
    return text + "}"


def expand(line, device, boot, seq):
    """Spool line -> SenML JSON (bytes). device: MAC as 12 hex digits; boot, seq: the pack's number."""
    line = str(line, "ascii")
    end = line.find(";")
    head = line[:end]
    offset = quality = base = None
    if head[0] == "T":
        base = int(head[1:])
    else:
        uptime, estimate = [int(word) for word in head[1:].split(",")]
        begin = clock.birth(boot)
        if begin is not None:
            base = begin + uptime
        elif boot == clock.boot():
            # RFC 8428 section 4.5.3: without a base time, times up to now count from now.
            offset = min(0, uptime - clock.uptime())
            quality = "unset"
        else:
            base = estimate
            quality = "estimated"
    parts = ['[{"bn":"' + base_name(device) + '"']
    if base is not None:
        parts.append(',"bt":%d' % base)
    parts.append(',"n":"boot","v":%d},{"n":"seq","v":%d}' % (boot, seq))
    if quality:
        parts.append(',{"n":"clock","vs":"' + quality + '"}')
    for item in line[end + 1 :].split(";"):
        series, value = item.split("=")
        unit = None
        if value == "t" or value == "f":
            value = "true" if value == "t" else "false"
        else:
            try:
                unit = row(series[series.find("/") + 1 :])[0]
            except KeyError:
                pass  # spooled by another version of this software; the name still says what it is
        parts.append("," + record(series, value, unit, offset))
    parts.append("]")
    return "".join(parts).encode()
