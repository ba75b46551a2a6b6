"""The LSTM with peepholes, each time with one thing changed (Greff et al., arXiv:1503.04069): for one sample and one step, in JAX.

See zoo.py. FGR carries its gates: R_if @ f_ stands in the equation of i."""

from jax.nn import sigmoid as sigma
from jax.numpy import tanh

from references.transcription import lstm


def no_input_gate_lstm(p, x, c_, h_):
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.b_f)
    c = f * c_ + tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * tanh(c)


def no_forget_gate_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    c = c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * tanh(c)


def no_output_gate_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.b_f)
    c = f * c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    return c, tanh(c)


def no_input_activation_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.b_f)
    c = f * c_ + i * (p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * tanh(c)


def no_output_activation_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.b_f)
    c = f * c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * c


def no_peepholes_lstm(p, x, c_, h_):
    return lstm(p, x, c_, h_)


def full_gate_recurrence_lstm(p, x, i_, f_, c_, o_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.R_ii @ i_ + p.R_if @ f_ + p.R_io @ o_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.R_fi @ i_ + p.R_ff @ f_ + p.R_fo @ o_ + p.b_f)
    c = f * c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.R_oi @ i_ + p.R_of @ f_ + p.R_oo @ o_ + p.b_o)
    return i, f, c, o, o * tanh(c)


ABLATIONS = {
    cell.__name__: cell
    for cell in (
        no_input_gate_lstm, no_forget_gate_lstm, no_output_gate_lstm, no_input_activation_lstm, no_output_activation_lstm, no_peepholes_lstm,
        full_gate_recurrence_lstm,
    )
}  # fmt: skip
