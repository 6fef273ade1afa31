// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/delay.h>
#include <linux/hex.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/wait.h>

#include "mrd_lab.h"

/* The key of the MAC, for the program that makes quotes: any 32 bytes. */
static char report_key[] = "mrd_lab's report key: no secret.";
static_assert(sizeof(report_key) == 32 + 1);
module_param_string(report_key, report_key, sizeof(report_key), 0400);

static struct {
	struct mutex lock;
	u8 rtmr[LAB_RTMRS][LAB_MR_LEN];
} hardware = {
	.lock = __MUTEX_INITIALIZER(hardware.lock),
};

/* ---- Faults ----------------------------------------------------------- */

static DECLARE_WAIT_QUEUE_HEAD(released);

static int set_hold(const char *value, const struct kernel_param *param)
{
	int ret = param_set_bool(value, param);

	wake_up_all(&released);
	return ret;
}

static const struct kernel_param_ops hold_ops = {
	.set = set_hold,
	.get = param_get_bool,
};

#define LAB_CALL(variable, kind)						\
	struct lab_call variable;						\
	module_param_named(kind##_error_before, variable.error_before, int, 0644); \
	module_param_named(kind##_error_after, variable.error_after, int, 0644); \
	module_param_named(kind##_delay_ms, variable.delay_ms, uint, 0644);	\
	module_param_cb(kind##_hold, &hold_ops, &variable.hold, 0644);		\
	module_param_named(kind##_held, variable.held, uint, 0444);		\
	module_param_named(kind##_calls, variable.calls, uint, 0444)

LAB_CALL(lab_extends, extend);
LAB_CALL(lab_refreshes, refresh);
LAB_CALL(lab_ioctls, ioctl);
LAB_CALL(lab_quotes, quote);

static void count(unsigned int *counter, int step)
{
	mutex_lock(&hardware.lock);
	*counter += step;
	mutex_unlock(&hardware.lock);
}

int lab_begin(struct lab_call *call)
{
	count(&call->calls, 1);
	if (call->delay_ms)
		msleep(call->delay_ms);
	count(&call->held, 1);
	/* Hardware heeds no signal, but a test that has failed must end. */
	wait_event_killable(released, !READ_ONCE(call->hold));
	count(&call->held, -1);
	return -call->error_before;
}

int lab_end(const struct lab_call *call)
{
	return -call->error_after;
}

/* extend_elsewhere="N DIGEST": as another guest of the hardware would, past the kernel. */
static int set_extend_elsewhere(const char *value, const struct kernel_param *param)
{
	u8 digest[LAB_MR_LEN];

	if (value[0] < '0' || value[0] >= '0' + LAB_RTMRS || value[1] != ' ' ||
	    hex2bin(digest, value + 2, sizeof(digest)))
		return -EINVAL;
	lab_extend(value[0] - '0', digest);
	return 0;
}

static const struct kernel_param_ops extend_elsewhere_ops = {
	.set = set_extend_elsewhere,
};
module_param_cb(extend_elsewhere, &extend_elsewhere_ops, NULL, 0200);

/* ---- Registers and reports -------------------------------------------- */

void lab_extend(unsigned int rtmr, const u8 *digest)
{
	struct sha384_ctx ctx;

	mutex_lock(&hardware.lock);
	sha384_init(&ctx);
	sha384_update(&ctx, hardware.rtmr[rtmr], LAB_MR_LEN);
	sha384_update(&ctx, digest, LAB_MR_LEN);
	sha384_final(&ctx, hardware.rtmr[rtmr]);
	mutex_unlock(&hardware.lock);
}

/*
 * Its identity is that of mrd's simulator, so that the simulator's quoting
 * service signs it and the simulator's collateral knows it.
 */
void lab_report(u8 *report, const u8 *reportdata)
{
	static const u8 type[] = { 0x81, 0, 1, 0 };
	static const u8 cpusvn[16] = { 'm', 'r', 'd', 's', 'i', 'm', 1 };
	static const u8 tcb_svn[16] = { 5, 1, 2 };
	static const char module[] = "mrd simulated TDX module";
	static const char mrtd[] = "mrd_lab's MRTD";
	u8 *tcb_info = report + REPORT_TCB_INFO;

	memset(report, 0, TDX_REPORT_LEN);
	memcpy(report, type, sizeof(type));
	memcpy(report + REPORT_CPUSVN, cpusvn, sizeof(cpusvn));
	memcpy(report + REPORT_REPORTDATA, reportdata, TDX_REPORTDATA_LEN);

	put_unaligned_le64(0x301ff, tcb_info);		/* which fields are valid */
	memcpy(tcb_info + 8, tcb_svn, sizeof(tcb_svn));
	sha384(module, sizeof(module) - 1, tcb_info + 24);	/* MRSEAM */
	memcpy(tcb_info + 128, tcb_svn, sizeof(tcb_svn));	/* TEE_TCB_SVN2 */

	put_unaligned_le64(1 << 28, report + REPORT_ATTRIBUTES);	/* SEPT_VE_DISABLE */
	put_unaligned_le64(0x618e7, report + REPORT_XFAM);
	sha384(mrtd, sizeof(mrtd) - 1, report + REPORT_MRTD);
	memset(report + REPORT_MRCONFIGID, 0xc0, LAB_MR_LEN);
	memset(report + REPORT_MROWNER, 0x0e, LAB_MR_LEN);
	memset(report + REPORT_MROWNERCONFIG, 0xcf, LAB_MR_LEN);
	mutex_lock(&hardware.lock);
	memcpy(report + REPORT_RTMR(0), hardware.rtmr, sizeof(hardware.rtmr));
	mutex_unlock(&hardware.lock);

	sha384(tcb_info, REPORT_TCB_INFO_LEN, report + REPORT_TCB_INFO_HASH);
	sha384(report + REPORT_TD_INFO, REPORT_TD_INFO_LEN, report + REPORT_TD_INFO_HASH);
	hmac_sha256_usingrawkey(report_key, 32, report, REPORT_MAC, report + REPORT_MAC);
}
